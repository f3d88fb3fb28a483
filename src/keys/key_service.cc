#include "keys/key_service.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace godwit {
namespace {

// How long after a refusal a withdrawal is tried again.
constexpr std::int64_t kWithdrawAgainMs = 1'000;
// A last resort that ends sooner is to be replaced.
constexpr std::int64_t kLastResortEndsMs = 7LL * 24 * 3600 * 1000;

}  // namespace

const KeyOwner::Device* KeyOwner::device(DeviceId id) const {
  const auto it = std::find_if(devices.begin(), devices.end(), [&](const Device& d) { return d.id == id; });
  return it != devices.end() ? &*it : nullptr;
}

KeyService::KeyService(KeyWiring wiring, const KeyOptions& options, Metrics& metrics)
    : wiring_(std::move(wiring)),
      options_(options),
      users_(wiring_.worker, wiring_.map, wiring_.store, wiring_.readers, options.cached_users, {&to_check_}),
      turns_(wiring_.worker, metrics.gauge("godwit_key_changes_waiting",
                                           "Changes of keys that are decided or wait for others of the same user")),
      published_(metrics.counter("godwit_keys_published_total", "One-time keys and key packages put into stock")),
      refused_(metrics.counter("godwit_keys_refused_total", "Publications of keys that were refused")),
      identities_changed_(metrics.counter("godwit_key_identities_changed_total", "Identity keys published or replaced")),
      withdrawn_(metrics.counter("godwit_key_identities_withdrawn_total",
                                 "Identity keys withdrawn, since their device or account is gone")),
      claims_(metrics.counter("godwit_key_claims_total", "Users whose keys were told")),
      one_time_claimed_(metrics.counter("godwit_keys_claimed_total", "One-time keys and key packages given out")),
      last_resorts_(metrics.counter("godwit_key_last_resorts_total", "Last resorts given out")),
      withheld_(metrics.counter("godwit_key_claims_withheld_total",
                                "Users of whom a claimer got last resorts only, though there may have been others")),
      left_out_(metrics.counter("godwit_key_claims_left_out_total", "Users whose keys did not fit into a reply")),
      low_told_(metrics.counter("godwit_key_low_stock_notices_total", "Devices told that a stock of keys is low")),
      withdrawals_waiting_(metrics.gauge("godwit_key_withdrawals_waiting", "Users with an identity to be withdrawn, "
                                                                           "which the journal or the log refused")) {}

std::shared_ptr<Record> KeyService::new_record() const {
  auto record = std::make_shared<Record>();
  record->body.set_time_ms(wiring_.clock.wall_ms());
  return record;
}

void KeyService::write(RecordPtr record, std::function<void(Errc)> done) {
  if (!wiring_.writer.writable()) return done(Errc::storage_unavailable);
  record->done_worker = wiring_.worker.index();
  record->done = [done = std::move(done)](const Record&, Errc outcome) { done(outcome); };
  wiring_.writer.add(std::move(record));
}

void KeyService::stock(UserId user, DeviceId device, std::function<void(const v1::KeyStock&)> reply) {
  users_.with(user, [this, device, reply = std::move(reply)](UserKeys& keys) { reply(stock_of(keys, device)); });
}

v1::KeyStock KeyService::stock_of(const UserKeys& user, DeviceId id) const {
  v1::KeyStock stock;
  stock.set_max(static_cast<std::uint32_t>(options_.max_per_stock));
  const DeviceKeySet* device = user.device(id);
  if (device == nullptr || device->withdrawn) return stock;
  const std::int64_t now_ms = wiring_.clock.wall_ms();
  const auto count = [&](KeyKind kind) { return static_cast<std::uint32_t>(device->of(kind).available(now_ms)); };
  stock.set_one_time_prekeys(count(KeyKind::x25519));
  stock.set_pq_prekeys(count(KeyKind::ml_kem));
  stock.set_key_packages(count(KeyKind::package));
  stock.set_low(low(*device));
  stock.set_identity(true);
  stock.set_last_resort(!device->last_resort_package.empty() &&
                        device->last_resort_expires_ms > now_ms + kLastResortEndsMs);
  return stock;
}

// Stocks that the device never filled do not count: it does not use them.
bool KeyService::low(const DeviceKeySet& device) const {
  const std::int64_t now_ms = wiring_.clock.wall_ms();
  return std::any_of(device.series.begin(), device.series.end(), [&](const KeySeries& series) {
    return series.next_seq != 0 && series.available(now_ms) <= options_.low_stock;
  });
}

void KeyService::device_live(UserId user, DeviceId device) {
  users_.with(user, [this, device](UserKeys& keys) {
    keys.told_low.erase(device);
    tell_low(keys);
  });
}

void KeyService::tell_low(UserKeys& user) {
  for (const DeviceKeySet& device : user.devices()) {
    if (device.withdrawn || !low(device)) {
      user.told_low.erase(device.id);
      continue;
    }
    if (!user.told_low.insert(device.id).second) continue;
    low_told_.Increment();
    v1::ServerFrame frame;
    *frame.mutable_key_stock() = stock_of(user, device.id);
    wiring_.push(user.user(), device.id, frame.SerializeAsString());
  }
}

void KeyService::check_devices(UserId user) {
  wiring_.owner(user, [this, user](const KeyOwner& owner) {
    const UserKeys* keys = users_.find(user);
    if (keys == nullptr) return;  // checked when it is loaded
    const auto& devices = keys->devices();
    const bool all_there = std::all_of(devices.begin(), devices.end(), [&](const DeviceKeySet& device) {
      return owner.device(device.id) != nullptr;
    });
    if (!all_there) withdraw_gone(user);
  });
}

void KeyService::withdraw_gone(UserId user) {
  if (!withdrawing_.insert(user).second) return;
  const bool taken = turns_.add(user, [this, user](std::function<void()> done) {
    withdrawing_.erase(user);
    wiring_.owner(user, [this, user, done = std::move(done)](const KeyOwner& owner) {
      users_.with(user, [this, owner, done](UserKeys& keys) { withdraw_gone_now(keys, owner, done); });
    });
  });
  if (taken) return;
  withdrawing_.erase(user);
  withdraw_later(user);
}

void KeyService::withdraw_later(UserId user) {
  if (withdraw_again_.insert(user).second) withdrawals_waiting_.Increment();
}

void KeyService::withdraw_gone_now(UserKeys& user, const KeyOwner& owner, const std::function<void()>& done) {
  auto record = new_record();
  auto& changed = *record->body.mutable_identity_changed();
  changed.set_user(user.user().value);
  changed.set_version(user.version() + 1);
  changed.set_previous(user.log_index() + 1);
  for (const DeviceKeySet& device : user.devices()) {
    if (owner.device(device.id) != nullptr) identity_to_row(device, *changed.add_devices());
  }
  const std::size_t gone = user.devices().size() - static_cast<std::size_t>(changed.devices_size());
  if (gone == 0) return done();
  wiring_.append_to_log(std::move(record), [this, user = user.user(), gone, done](Errc outcome) {
    if (outcome == Errc::ok) {
      withdrawn_.Increment(static_cast<double>(gone));
      log_info("audit", {{"what", "identity_withdrawn"}, {"user", user}});
    } else {
      withdraw_later(user);
    }
    done();
  });
}

void KeyService::applied(const RecordPtr& record) {
  const store::Record& body = record->body;
  const auto user_of = [&] {
    if (body.has_keys_published()) return UserId(body.keys_published().user());
    if (body.has_identity_changed()) return UserId(body.identity_changed().user());
    if (body.has_keys_claimed()) return UserId(body.keys_claimed().user());
    if (body.has_device_revoked()) return UserId(body.device_revoked().user());
    return UserId(body.user_deleted().user());
  };
  const UserId user = user_of();
  if (wiring_.map.worker(user) != wiring_.worker.index()) return;
  if (UserKeys* keys = users_.apply(user, record)) tell_low(*keys);
}

void KeyService::end_turn() {
  for (const UserId user : std::exchange(to_check_, {})) check_devices(user);
  const std::int64_t now_ms = wiring_.clock.steady_ms();
  if (withdraw_again_.empty() || now_ms < withdraw_again_at_ms_) return;
  withdraw_again_at_ms_ = now_ms + kWithdrawAgainMs;
  if (!wiring_.writer.writable()) return;
  withdrawals_waiting_.Decrement(static_cast<double>(withdraw_again_.size()));
  for (const UserId user : std::exchange(withdraw_again_, {})) check_devices(user);
}

}  // namespace godwit
