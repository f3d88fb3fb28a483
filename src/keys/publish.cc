// Keys on their way into the stock: checked, verified, decided.
#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "keys/key_service.h"

namespace godwit {
namespace {

constexpr std::uint32_t kRetryVerifyMs = 1'000;
// About a millisecond.
constexpr std::size_t kChecksPerPiece = 8;

struct PublishLimits {
  std::int64_t now_ms;
  std::size_t max_per_stock;
};

// A one-time key of the request.
struct FreshKey {
  std::string key;  // as it is stored
  SeenKey seen;
  std::int64_t expires_ms = 0;
};

std::int64_t expires_ms(const MlsKeyPackage& package) {
  return static_cast<std::int64_t>(package.not_after_s) * 1000;
}

std::vector<FreshKey> fresh_keys(const v1::PublishKeys& keys, const std::vector<MlsKeyPackage>& packages, KeyKind kind) {
  std::vector<FreshKey> all;
  const auto add = [&](std::string key, std::int64_t expires_ms) {
    const SeenKey seen = seen_key(kind, key);
    all.push_back({std::move(key), seen, expires_ms});
  };
  if (kind == KeyKind::x25519) {
    for (const v1::Prekey& key : keys.one_time_prekeys()) add(key.SerializeAsString(), 0);
  } else if (kind == KeyKind::ml_kem) {
    for (const v1::SignedPrekey& key : keys.pq_prekeys()) add(key.SerializeAsString(), 0);
  } else {
    for (std::size_t i = 0; i < packages.size(); ++i) {
      if (!packages[i].last_resort) add(keys.key_packages(static_cast<int>(i)), expires_ms(packages[i]));
    }
  }
  return all;
}

// Whether a key with this id may be signed for by it: the same key again, or an id that is new.
bool fits(const v1::SignedPrekey& fresh, const std::string& present) {
  v1::SignedPrekey before;
  return !before.ParseFromString(present) || before.id() != fresh.id() || before.public_key() == fresh.public_key();
}

std::uint32_t id_of(const std::string& signed_prekey) {
  v1::SignedPrekey key;
  return key.ParseFromString(signed_prekey) ? key.id() : 0;
}

// What the device has before the request. Under another identity only the places in the stock count.
DeviceKeySet present(const UserKeys& user, DeviceId id, const std::string& identity_key) {
  const DeviceKeySet* device = user.device(id);
  DeviceKeySet places;
  places.id = id;
  if (device == nullptr) return places;
  if (device->identity_key == identity_key) return *device;
  for (std::size_t i = 0; i < places.series.size(); ++i) places.series[i].next_seq = device->series[i].next_seq;
  return places;
}

Status check_ids(const v1::PublishKeys& keys, const DeviceKeySet& before) {
  if (keys.has_signed_prekey() && !fits(keys.signed_prekey(), before.signed_prekey)) return Errc::key_id_reused;
  const std::uint32_t last_resort = id_of(before.pq_last_resort);
  for (const v1::SignedPrekey& key : keys.pq_prekeys()) {
    if (key.id() == last_resort) return Errc::key_id_reused;
  }
  if (!keys.has_pq_last_resort()) return Unit{};
  const bool one_time = before.of(KeyKind::ml_kem).find_seen({keys.pq_last_resort().id(), 0}) != nullptr;
  return one_time || !fits(keys.pq_last_resort(), before.pq_last_resort) ? Status(Errc::key_id_reused) : Status(Unit{});
}

void name_dropped(DeviceId device, KeyKind kind, std::uint64_t seq, store::KeysPublished& published) {
  store::StockPlace& place = *published.add_dropped();
  place.set_device_id(device.value);
  place.set_kind(static_cast<std::uint32_t>(kind));
  place.set_seq(seq);
}

// What the request makes of the stock of a kind: keys that leave it, and new ones. A key that is there already stays in
// its place, so that it never is in two, of which two claimers could get it; one that was given out does not come back.
Status plan_stock(const v1::PublishKeys& keys, const std::vector<MlsKeyPackage>& packages, const DeviceKeySet& device,
                  KeyKind kind, const PublishLimits& limits, store::KeysPublished& published) {
  const KeySeries& series = device.of(kind);
  std::vector<FreshKey> fresh = fresh_keys(keys, packages, kind);
  const auto is_fresh = [&](std::uint64_t tag) {
    return std::any_of(fresh.begin(), fresh.end(), [&](const FreshKey& key) { return key.seen.tag == tag; });
  };
  std::set<std::uint64_t> present;
  std::size_t held = 0;
  for (const KeySeries::Left& left : series.left) {
    if (!left.in_time(limits.now_ms) || (keys.replace() && !is_fresh(left.tag))) {
      name_dropped(device.id, kind, left.seq, published);
      continue;
    }
    present.insert(left.tag);
    if (!left.taken) ++held;
  }
  std::uint64_t seq = std::max<std::uint64_t>(1, series.next_seq);
  for (FreshKey& key : fresh) {
    const SeenKey* known = series.find_seen(key.seen);
    if (known != nullptr && known->tag != key.seen.tag) return Errc::key_id_reused;
    if (!present.insert(key.seen.tag).second || known != nullptr) continue;
    if (++held > limits.max_per_stock) return Error(Errc::too_large, "the stock would have more keys than it may hold");
    store::OneTimeKey& added = *published.add_one_time();
    added.set_kind(static_cast<std::uint32_t>(kind));
    added.set_seq(seq++);
    added.set_key(std::move(key.key));
    if (key.expires_ms != 0) added.set_expires_ms(key.expires_ms);
  }
  return Unit{};
}

// What the request changes.
Result<store::KeysPublished> plan(const v1::PublishKeys& keys, const std::vector<MlsKeyPackage>& packages,
                                  const DeviceKeySet& device, const PublishLimits& limits) {
  if (const Status fits = check_ids(keys, device); !fits) return fits.error();
  store::KeysPublished published;
  if (keys.has_signed_prekey()) published.set_signed_prekey(keys.signed_prekey().SerializeAsString());
  if (keys.has_pq_last_resort()) published.set_pq_last_resort(keys.pq_last_resort().SerializeAsString());
  for (std::size_t i = 0; i < packages.size(); ++i) {
    if (!packages[i].last_resort) continue;
    published.set_last_resort_package(keys.key_packages(static_cast<int>(i)));
    published.set_last_resort_expires_ms(expires_ms(packages[i]));
  }
  for (const KeyKind kind : kKeyKinds) {
    if (const Status planned = plan_stock(keys, packages, device, kind, limits, published); !planned) {
      return planned.error();
    }
  }
  return published;
}

}  // namespace

struct KeyService::Publication : KeyVerification, std::enable_shared_from_this<Publication> {
  Publication(KeyService& made_by, UserId of_user, DeviceId of_device) : service(made_by), user(of_user), device(of_device) {}

  std::size_t prepare() override;
  void verify(std::size_t piece) override;
  void finish() override;

  std::uint32_t count() const {
    return static_cast<std::uint32_t>(1 + keys.one_time_prekeys_size() + keys.pq_prekeys_size() + keys.key_packages_size());
  }

  KeyService& service;
  const UserId user;
  const DeviceId device;
  v1::PublishKeys keys;
  std::vector<MlsKeyPackage> packages;  // views into `keys`
  std::string device_key;
  std::string identity_key;  // what the signatures are by
  Reply<v1::KeyStock> reply;

  std::optional<KeyVerifier> verifier;
  std::atomic<bool> invalid = false;
  Error why{Errc::ok};  // by the one that made it invalid
};

void KeyService::refuse(const Publication& publication, const Error& error) {
  refused_.Increment();
  publication.reply(error);
}

void KeyService::publish(UserId user, DeviceId device, v1::PublishKeys keys, Reply<v1::KeyStock> reply) {
  auto publication = std::make_shared<Publication>(*this, user, device);
  publication->keys = std::move(keys);
  // Nobody checks what this version does not know, so it is not handed on.
  publication->keys.DiscardUnknownFields();
  publication->reply = std::move(reply);
  if (const Status counted = check_counts(publication->keys); !counted) return refuse(*publication, counted.error());
  wiring_.owner(user, [this, publication](const KeyOwner& owner) {
    users_.with(publication->user, [this, publication, owner](UserKeys& keys) {
      if (const Status admitted = admit(*publication, keys, owner); !admitted) {
        return refuse(*publication, admitted.error());
      }
      verify(publication);
    });
  });
}

// What can be told without a look at the keys. The cost of that look is taken from the user's hour.
Status KeyService::admit(Publication& publication, UserKeys& user, const KeyOwner& owner) {
  if (!wiring_.writer.writable()) return Errc::storage_unavailable;
  const KeyOwner::Device* device = owner.device(publication.device);
  if (device == nullptr) return Errc::device_revoked;
  const std::uint32_t wait = user.published.take(wiring_.clock.wall_ms(), options_.published_per_hour,
                                                 publication.count(), kAllowanceHourMs);
  if (wait != 0) return Error(Errc::rate_limited, "no more keys for now", wait);
  users_.mark_dirty(publication.user);
  publication.device_key = device->key;
  publication.identity_key = publication.keys.identity_key();
  if (!publication.identity_key.empty()) return Unit{};
  const DeviceKeySet* own = user.device(publication.device);
  if (own == nullptr) return Errc::identity_needed;
  publication.identity_key = own->identity_key;
  return Unit{};
}

void KeyService::verify(const PublicationPtr& publication) {
  if (wiring_.verify.post(publication->keys.ByteSizeLong(), publication)) return;
  refuse(*publication, Error(Errc::overloaded, "too many keys wait to be verified", kRetryVerifyMs));
}

std::size_t KeyService::Publication::prepare() {
  auto checked = check_published(keys, {user, device}, service.wiring_.clock.wall_ms());
  if (!checked) {
    invalid = true;
    why = checked.error();
    return 0;
  }
  packages = std::move(*checked);
  verifier.emplace(keys, packages, KeyOwnerName{user, device}, device_key, identity_key);
  return (verifier->size() + kChecksPerPiece - 1) / kChecksPerPiece;
}

// The rest is not worth the time once one key is not valid.
void KeyService::Publication::verify(std::size_t piece) {
  const std::size_t end = std::min(verifier->size(), (piece + 1) * kChecksPerPiece);
  for (std::size_t i = piece * kChecksPerPiece; i < end && !invalid; ++i) {
    const Status valid = verifier->verify(i);
    if (!valid && !invalid.exchange(true)) why = valid.error();
  }
}

void KeyService::Publication::finish() {
  service.wiring_.worker.post([publication = shared_from_this()] { publication->service.verified(publication); });
}

void KeyService::verified(const PublicationPtr& publication) {
  if (publication->invalid) return refuse(*publication, publication->why);
  const bool waits = turns_.add(publication->user, [this, publication](std::function<void()> done) {
    decide(publication, std::move(done));
  });
  if (!waits) refuse(*publication, Error(Errc::overloaded, "too many changes of keys at once", kRetryVerifyMs));
}

// Account and keys may have changed while the signatures were verified and others had their turn.
void KeyService::decide(const PublicationPtr& publication, std::function<void()> done) {
  wiring_.owner(publication->user, [this, publication, done = std::move(done)](const KeyOwner& owner) {
    users_.with(publication->user, [this, publication, owner, done](UserKeys& user) {
      decide_now(publication, user, owner, done);
    });
  });
}

void KeyService::decide_now(const PublicationPtr& publication, UserKeys& user, const KeyOwner& owner,
                            std::function<void()> done) {
  const auto answer = [this, publication, done = std::move(done)](const Error& error) {
    if (error.code != Errc::ok) {
      refuse(*publication, error);
      return done();
    }
    // Later, if the user has left the cache meanwhile.
    users_.with(publication->user, [this, publication](UserKeys& again) {
      publication->reply(stock_of(again, publication->device));
    });
    done();
  };
  const KeyOwner::Device* device = owner.device(publication->device);
  const DeviceKeySet* own = user.device(publication->device);
  if (device == nullptr || (own != nullptr && own->withdrawn)) return answer(Errc::device_revoked);
  const bool same_identity = own != nullptr && own->identity_key == publication->identity_key;
  if (publication->keys.identity_key().empty() && !same_identity) {
    return answer(Error(Errc::key_invalid, "the identity key has changed meanwhile"));
  }
  auto planned = plan(publication->keys, publication->packages,
                      present(user, publication->device, publication->identity_key),
                      {wiring_.clock.wall_ms(), options_.max_per_stock});
  if (!planned) return answer(planned.error());
  if (!same_identity) {
    const std::uint32_t wait = user.identities.take(wiring_.clock.wall_ms(), options_.identities_per_day, 1);
    if (wait != 0) return answer(Error(Errc::rate_limited, "no more changes of identity for now", wait));
    users_.mark_dirty(publication->user);
  }
  store::KeysPublished& published = *planned;
  published.set_user(publication->user.value);
  published.set_device_id(publication->device.value);
  const auto committed = [this, answer, count = published.one_time_size()](Errc outcome) {
    if (outcome == Errc::ok) published_.Increment(count);
    answer(outcome);
  };
  if (!same_identity) return publish_identity(publication, user, device->key, std::move(published), committed);
  auto record = new_record();
  *record->body.mutable_keys_published() = std::move(published);
  write(std::move(record), committed);
}

// The entry of the log names all devices of the user that have an identity; those that are withdrawn go by it, too.
void KeyService::publish_identity(const PublicationPtr& publication, const UserKeys& user, const std::string& device_key,
                                  store::KeysPublished published, std::function<void(Errc)> done) {
  DeviceKeySet fresh;
  fresh.id = publication->device;
  fresh.device_key = device_key;
  fresh.identity_key = publication->identity_key;
  fresh.identity_signature = publication->keys.identity_signature();
  fresh.device_signature = publication->keys.device_signature();
  std::vector<const DeviceKeySet*> devices{&fresh};
  for (const DeviceKeySet& device : user.devices()) {
    if (device.id != fresh.id && !device.withdrawn) devices.push_back(&device);
  }
  std::sort(devices.begin(), devices.end(), [](const DeviceKeySet* a, const DeviceKeySet* b) { return a->id < b->id; });
  auto record = new_record();
  auto& changed = *record->body.mutable_identity_changed();
  changed.set_user(publication->user.value);
  changed.set_version(user.version() + 1);
  changed.set_previous(user.version() == 0 ? 0 : user.log_index() + 1);
  for (const DeviceKeySet* device : devices) identity_to_row(*device, *changed.add_devices());
  *changed.mutable_published() = std::move(published);
  wiring_.append_to_log(std::move(record), [this, publication, done = std::move(done)](Errc outcome) {
    if (outcome == Errc::ok) {
      identities_changed_.Increment();
      log_info("audit", {{"what", "identity_changed"}, {"user", publication->user}, {"device", publication->device}});
    }
    done(outcome);
  });
}

}  // namespace godwit
