#include "account/account_service.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"

namespace godwit {
namespace {

// About the interval of checkpoints.
constexpr std::uint32_t kRetryContactsMs = 2'000;
constexpr std::uint32_t kRetryDevicesMs = 100;

}  // namespace

AccountService::AccountService(const AccountWiring& wiring, const AccountOptions& options, Metrics& metrics)
    : wiring_(wiring),
      options_(options),
      accounts_(wiring.worker, wiring.map, wiring.store, wiring.readers, options.cached_users, {}),
      handles_(wiring.worker, wiring.map, wiring.store, wiring.readers, options.cached_users, {}),
      invites_(wiring.worker, wiring.map, wiring.store, wiring.readers, options.cached_users, {}),
      contact_hashes_(wiring.worker, wiring.map, wiring.store, wiring.readers, options.cached_users, {}),
      verification_(options.verification),
      turns_(wiring.worker, metrics.gauge("godwit_account_changes_waiting",
                                          "Changes of devices that are decided or wait for others of the same user")),
      created_(metrics.counter("godwit_accounts_created_total", "Accounts created")),
      deleted_(metrics.counter("godwit_accounts_deleted_total", "Accounts deleted")),
      lookups_(metrics.counter("godwit_contact_lookups_total", "Hashes of handles that users looked up")) {}

std::shared_ptr<Record> AccountService::new_record() const {
  auto record = std::make_shared<Record>();
  record->body.set_time_ms(wiring_.clock.wall_ms());
  return record;
}

void AccountService::write(RecordPtr record, std::function<void(Errc)> done) {
  if (!wiring_.writer.writable()) return done(Errc::storage_unavailable);
  record->done_worker = wiring_.worker.index();
  record->done = [done = std::move(done)](const Record&, Errc outcome) { done(outcome); };
  wiring_.writer.add(std::move(record));
}

void AccountService::create(NewAccount account, Reply<UserId> reply) {
  const std::string handle = account.handle;
  handles_.with(handle, [this, account = std::move(account), reply = std::move(reply)](Handle& row) {
    if (row.taken()) return reply(Errc::handle_taken);
    row.claimed = true;
    // 64 random bits: with a billion accounts, one new one in 18 billion would meet an old one.
    const UserId user(random_u64() | 1);
    auto record = new_record();
    auto& created = *record->body.mutable_user_created();
    created.set_user(user.value);
    created.set_handle(account.handle);
    created.set_invite(account.invite);
    created.set_contact_hash(contact_hash(wiring_.store.discovery_key(), account.handle));
    DeviceInfo device;
    device.id = DeviceId(1);
    device.key = account.device_key;
    device.name = account.device_name;
    device.created_ms = record->body.time_ms();
    device_to_row(device, created.mutable_device());
    write(std::move(record), [this, handle = account.handle, user, reply](Errc outcome) {
      if (Handle* claimed = handles_.find(handle)) claimed->claimed = false;
      if (outcome != Errc::ok) return reply(outcome);
      created_.Increment();
      reply(user);
    });
  });
}

void AccountService::lookup(const std::string& handle, Reply<UserId> reply) {
  handles_.with(handle, [reply = std::move(reply)](Handle& row) {
    const auto user = row.user();
    reply(user ? Result<UserId>(*user) : Result<UserId>(Errc::user_not_found));
  });
}

Result<std::string> AccountService::make_code(const std::string& handle) {
  return verification_.make(handle, wiring_.clock.steady_ms());
}

bool AccountService::check_code(const std::string& handle, std::string_view code) {
  return verification_.check(handle, code, wiring_.clock.steady_ms());
}

void AccountService::claim_invite(const std::string& code, Reply<Unit> reply) {
  invites_.with(code, [this, reply = std::move(reply)](Invite& invite) {
    if (!invite.usable(wiring_.clock.wall_ms())) return reply(Errc::invite_invalid);
    ++invite.claimed;
    reply(Unit{});
  });
}

void AccountService::release_invite(const std::string& code) {
  if (Invite* invite = invites_.find(code); invite != nullptr && invite->claimed > 0) --invite->claimed;
}

void AccountService::create_invite(const std::string& code, std::uint32_t uses, std::int64_t expires_ms,
                                   Reply<Unit> reply) {
  auto record = new_record();
  auto& created = *record->body.mutable_invite_created();
  created.set_code(code);
  created.set_uses(uses);
  created.set_expires_ms(expires_ms);
  write(std::move(record), [reply = std::move(reply)](Errc outcome) {
    reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
  });
}

void AccountService::change_devices(UserId user, std::function<void(Account&, std::function<void()> done)> change,
                                    const std::function<void(const Error&)>& refuse) {
  const bool waits = turns_.add(user, [this, user, change = std::move(change)](std::function<void()> done) {
    accounts_.with(user, [change, done = std::move(done)](Account& account) { change(account, done); });
  });
  if (!waits) refuse(Error(Errc::overloaded, "too many changes of the account at once", kRetryDevicesMs));
}

void AccountService::add_device(UserId user, DeviceInfo device, Reply<DeviceId> reply) {
  const auto add = [this, device = std::move(device), reply](Account& account, std::function<void()> done) mutable {
    const auto refuse = [&](Errc why) {
      reply(why);
      done();
    };
    if (!account.exists()) return refuse(Errc::user_not_found);
    // Whoever approved it may have been signed out in between: because it was stolen, perhaps.
    if (device.approved_by && account.device(device.approved_by) == nullptr) return refuse(Errc::device_revoked);
    if (account.devices().size() >= options_.max_devices) return refuse(Errc::too_many_devices);
    auto record = new_record();
    device.id = DeviceId(account.last_device_id().value + 1);
    device.created_ms = record->body.time_ms();
    auto& added = *record->body.mutable_device_added();
    added.set_user(account.user().value);
    device_to_row(device, added.mutable_device());
    write(std::move(record), [id = device.id, reply, done = std::move(done)](Errc outcome) {
      reply(outcome == Errc::ok ? Result<DeviceId>(id) : Result<DeviceId>(outcome));
      done();
    });
  };
  change_devices(user, add, [reply](const Error& error) { reply(error); });
}

void AccountService::revoke_device(UserId user, DeviceId device, Reply<Unit> reply) {
  const auto revoke = [this, device, reply](Account& account, std::function<void()> done) {
    const auto refuse = [&](const Error& why) {
      reply(why);
      done();
    };
    if (account.device(device) == nullptr) return refuse(Errc::device_not_found);
    if (account.devices().size() == 1) {
      return refuse(Error(Errc::not_allowed, "it is the last device; delete the account instead"));
    }
    auto record = new_record();
    auto& revoked = *record->body.mutable_device_revoked();
    revoked.set_user(account.user().value);
    revoked.set_device_id(device.value);
    write(std::move(record), [user = account.user(), device, reply, done = std::move(done)](Errc outcome) {
      if (outcome == Errc::ok) log_info("audit", {{"what", "device_revoked"}, {"user", user}, {"device", device}});
      reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
      done();
    });
  };
  change_devices(user, revoke, [reply](const Error& error) { reply(error); });
}

void AccountService::erase(UserId user, Reply<Unit> reply) {
  const auto erase = [this, reply](Account& account, std::function<void()> done) {
    if (!account.exists()) {
      reply(Errc::user_not_found);
      return done();
    }
    auto record = new_record();
    auto& erased = *record->body.mutable_user_deleted();
    erased.set_user(account.user().value);
    erased.set_handle(account.handle());
    erased.set_contact_hash(contact_hash(wiring_.store.discovery_key(), account.handle()));
    write(std::move(record), [this, user = account.user(), reply, done = std::move(done)](Errc outcome) {
      if (outcome == Errc::ok) {
        deleted_.Increment();
        log_info("audit", {{"what", "account_deleted"}, {"user", user}});
      }
      reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
      done();
    });
  };
  change_devices(user, erase, [reply](const Error& error) { reply(error); });
}

void AccountService::block(UserId user, const ChatId& chat, UserId other, bool lift, Reply<Unit> reply) {
  accounts_.with(user, [this, chat, other, lift, reply = std::move(reply)](Account& account) {
    if (!lift && account.blocked_count() >= Account::kMaxBlocked) {
      return reply(Error(Errc::too_large, "the block list is full"));
    }
    auto record = new_record();
    auto& changed = *record->body.mutable_block_changed();
    changed.set_blocker(account.user().value);
    changed.set_blocked(other.value);
    changed.set_lifted(lift);
    changed.set_chat(chat.str());
    write(std::move(record), [reply](Errc outcome) { reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome)); });
  });
}

void AccountService::set_privacy(UserId user, const store::PrivacySettings& changed, Reply<Unit> reply) {
  auto record = new_record();
  record->body.mutable_privacy_changed()->set_user(user.value);
  *record->body.mutable_privacy_changed()->mutable_changed() = changed;
  write(std::move(record), [reply = std::move(reply)](Errc outcome) {
    reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
  });
}

void AccountService::change_contacts(UserId user, store::ContactsChanged changed, Reply<Unit> reply) {
  accounts_.with(user, [this, changed = std::move(changed), reply = std::move(reply)](Account& account) mutable {
    if (!account.exists()) return reply(Errc::user_not_found);
    const Contacts& contacts = account.contacts();
    const auto known = [&](std::uint64_t id) { return contacts.contains(UserId(id)); };
    const auto added = static_cast<std::uint32_t>(std::count_if(
        changed.added().begin(), changed.added().end(), [&](const store::Contact& c) { return !known(c.user()); }));
    const auto left = contacts.size() - static_cast<std::size_t>(std::count_if(changed.removed().begin(),
                                                                              changed.removed().end(), known));
    // While others are on their way, what this one removes may be gone already.
    const std::size_t kept = account.contact_changes_decided == 0 ? left : contacts.size();
    if (added != 0 && kept + account.contacts_decided + added > Contacts::kMax) {
      return reply(Error(Errc::too_large, "the contact list is full"));
    }
    const auto touched = static_cast<std::uint32_t>(changed.added_size() + changed.removed_size());
    if (contacts.unwritten() + account.contact_changes_decided + touched > Contacts::kMaxUnwritten) {
      return reply(Error(Errc::overloaded, "contacts change too fast", kRetryContactsMs));
    }
    account.contacts_decided += added;
    account.contact_changes_decided += touched;
    changed.set_user(account.user().value);
    auto record = new_record();
    *record->body.mutable_contacts_changed() = std::move(changed);
    write(std::move(record), [this, user = account.user(), added, touched, reply](Errc outcome) {
      if (Account* again = accounts_.find(user)) {
        again->contacts_decided -= added;
        again->contact_changes_decided -= touched;
      }
      reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
    });
  });
}

void AccountService::rename_device(UserId user, DeviceId device, const std::string& name, Reply<Unit> reply) {
  accounts_.with(user, [this, device, name, reply = std::move(reply)](Account& account) {
    if (account.device(device) == nullptr) return reply(Errc::device_not_found);
    auto record = new_record();
    auto& renamed = *record->body.mutable_device_renamed();
    renamed.set_user(account.user().value);
    renamed.set_device_id(device.value);
    renamed.set_name(name);
    write(std::move(record), [reply](Errc outcome) { reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome)); });
  });
}

Result<std::uint32_t> AccountService::take_lookups(Account& account, std::uint32_t hashes) {
  const std::uint32_t per_day = options_.contact_lookups_per_day;
  if (per_day != 0 && hashes > per_day) return Error(Errc::too_large, "more hashes than can be looked up in a day");
  const std::uint32_t wait = account.lookups.take(wiring_.clock.wall_ms(), per_day, hashes);
  if (wait != 0) return wait;
  lookups_.Increment(hashes);
  if (per_day != 0) accounts_.mark_dirty(account.user());
  return 0;
}

void AccountService::device_seen(Account& account, DeviceId device) {
  if (account.seen(device, wiring_.clock.wall_ms(), options_.last_seen_interval_ms)) {
    accounts_.mark_dirty(account.user());
  }
}

void AccountService::was_present(UserId user, std::int64_t until_ms) {
  Account* account = accounts_.find(user);
  if (account != nullptr && account->present(until_ms, options_.last_seen_interval_ms)) accounts_.mark_dirty(user);
}

void AccountService::find_by_hash(const std::string& hash, std::function<void(UserId)> reply) {
  contact_hashes_.with(hash, [reply = std::move(reply)](ContactHash& row) { reply(row.user()); });
}

void AccountService::applied(const RecordPtr& record) {
  const store::Record& body = record->body;
  const auto mine = [&](const auto& id) { return wiring_.map.worker(id) == wiring_.worker.index(); };
  switch (body.body_case()) {
    case store::Record::kUserCreated: {
      const auto& created = body.user_created();
      if (mine(std::string_view(created.handle()))) handles_.apply(created.handle(), record);
      if (mine(UserId(created.user()))) accounts_.apply(UserId(created.user()), record);
      apply_to_hash(created.contact_hash(), record);
      if (!created.invite().empty() && mine(std::string_view(created.invite()))) {
        release_invite(created.invite());
        invites_.apply(created.invite(), record);
      }
      break;
    }
    case store::Record::kDeviceAdded:
      accounts_.apply(UserId(body.device_added().user()), record);
      break;
    case store::Record::kDeviceRevoked:
      accounts_.apply(UserId(body.device_revoked().user()), record);
      break;
    case store::Record::kUserDeleted: {
      const auto& deleted = body.user_deleted();
      if (mine(std::string_view(deleted.handle()))) handles_.apply(deleted.handle(), record);
      if (mine(UserId(deleted.user()))) accounts_.apply(UserId(deleted.user()), record);
      apply_to_hash(deleted.contact_hash(), record);
      break;
    }
    case store::Record::kBlockChanged:
      if (mine(UserId(body.block_changed().blocker()))) accounts_.apply(UserId(body.block_changed().blocker()), record);
      break;
    case store::Record::kInviteCreated:
      invites_.apply(body.invite_created().code(), record);
      break;
    case store::Record::kPrivacyChanged:
      accounts_.apply(UserId(body.privacy_changed().user()), record);
      break;
    case store::Record::kContactsChanged:
      accounts_.apply(UserId(body.contacts_changed().user()), record);
      break;
    case store::Record::kDeviceRenamed:
      accounts_.apply(UserId(body.device_renamed().user()), record);
      break;
    default:
      break;
  }
}

void AccountService::apply_to_hash(const std::string& hash, const RecordPtr& record) {
  const bool mine = wiring_.map.worker(std::string_view(hash)) == wiring_.worker.index();
  if (mine && !hash.empty()) contact_hashes_.apply(hash, record);
}

}  // namespace godwit
