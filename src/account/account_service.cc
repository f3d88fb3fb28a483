#include "account/account_service.h"

#include <utility>

#include "base/random.h"

namespace godwit {

AccountService::AccountService(const AccountWiring& wiring, const AccountOptions& options, Metrics& metrics)
    : wiring_(wiring),
      options_(options),
      accounts_(wiring.worker, wiring.map, wiring.store, wiring.readers, options.cached_users, {}),
      handles_(wiring.worker, wiring.map, wiring.store, wiring.readers, options.cached_users, {}),
      invites_(wiring.worker, wiring.map, wiring.store, wiring.readers, options.cached_users, {}),
      verification_(options.verification),
      created_(metrics.counter("godwit_accounts_created_total", "Accounts created")),
      deleted_(metrics.counter("godwit_accounts_deleted_total", "Accounts deleted")) {}

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
    device_to_row({DeviceId(1), account.device_key, account.device_name, record->body.time_ms(), DeviceId(), {}, {}},
                  created.mutable_device());
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

void AccountService::add_device(UserId user, DeviceInfo device, Reply<DeviceId> reply) {
  accounts_.with(user, [this, device = std::move(device), reply = std::move(reply)](Account& account) mutable {
    if (!account.exists()) return reply(Errc::user_not_found);
    if (account.devices().size() + account.devices_decided >= options_.max_devices) {
      return reply(Errc::too_many_devices);
    }
    ++account.devices_decided;
    auto record = new_record();
    device.id = DeviceId(account.last_device_id().value + account.devices_decided);
    device.created_ms = record->body.time_ms();
    auto& added = *record->body.mutable_device_added();
    added.set_user(account.user().value);
    device_to_row(device, added.mutable_device());
    write(std::move(record), [this, user = account.user(), id = device.id, reply](Errc outcome) {
      if (Account* again = accounts_.find(user)) --again->devices_decided;
      reply(outcome == Errc::ok ? Result<DeviceId>(id) : Result<DeviceId>(outcome));
    });
  });
}

void AccountService::revoke_device(UserId user, DeviceId device, Reply<Unit> reply) {
  accounts_.with(user, [this, device, reply = std::move(reply)](Account& account) {
    if (account.device(device) == nullptr) return reply(Errc::device_not_found);
    if (account.devices().size() == 1) {
      return reply(Error(Errc::not_allowed, "it is the last device; delete the account instead"));
    }
    auto record = new_record();
    auto& revoked = *record->body.mutable_device_revoked();
    revoked.set_user(account.user().value);
    revoked.set_device_id(device.value);
    write(std::move(record), [reply](Errc outcome) { reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome)); });
  });
}

void AccountService::erase(UserId user, Reply<Unit> reply) {
  accounts_.with(user, [this, reply = std::move(reply)](Account& account) {
    if (!account.exists()) return reply(Errc::user_not_found);
    auto record = new_record();
    auto& erased = *record->body.mutable_user_deleted();
    erased.set_user(account.user().value);
    erased.set_handle(account.handle());
    write(std::move(record), [this, reply](Errc outcome) {
      if (outcome != Errc::ok) return reply(outcome);
      deleted_.Increment();
      reply(Unit{});
    });
  });
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

void AccountService::applied(const RecordPtr& record) {
  const store::Record& body = record->body;
  const auto mine = [&](const auto& id) { return wiring_.map.worker(id) == wiring_.worker.index(); };
  switch (body.body_case()) {
    case store::Record::kUserCreated: {
      const auto& created = body.user_created();
      if (mine(std::string_view(created.handle()))) handles_.apply(created.handle(), record);
      if (mine(UserId(created.user()))) accounts_.apply(UserId(created.user()), record);
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
      break;
    }
    case store::Record::kBlockChanged:
      if (mine(UserId(body.block_changed().blocker()))) accounts_.apply(UserId(body.block_changed().blocker()), record);
      break;
    case store::Record::kInviteCreated:
      invites_.apply(body.invite_created().code(), record);
      break;
    default:
      break;
  }
}

}  // namespace godwit
