// What happens to accounts on one worker: registration, devices, handles, invites, blocks, deletion.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "account/account.h"
#include "account/contact_hash.h"
#include "account/verification.h"
#include "base/metrics.h"
#include "base/turns.h"
#include "godwit/clock.h"
#include "godwit/result.h"
#include "journal/record_writer.h"
#include "storage/row_cache.h"

namespace godwit {

struct AccountOptions {
  std::uint32_t max_devices = 8;
  std::size_t cached_users = 1'000'000;  // per worker
  std::uint32_t contact_lookups_per_day = 2'000;  // hashes of a user; 0 is no limit
  std::int64_t last_seen_interval_ms = 300'000;  // how old the stored last_seen of a device or user may be
  VerificationOptions verification;
};

struct AccountWiring {
  Worker& worker;
  const PartitionMap& map;
  const Clock& clock;
  const Store& store;
  ReaderPool& readers;
  RecordWriter& writer;
};

struct NewAccount {
  std::string handle;  // canonical
  std::string device_key;
  std::string device_name;
  std::string invite;  // claimed by the caller; empty when none is needed
};

// Owner: one worker; everything on its thread, each call on the worker of the row it names. Replies come on
// this worker, exactly once: for changes after their commit.
class AccountService {
 public:
  template <class T>
  using Reply = std::function<void(const Result<T>&)>;

  AccountService(const AccountWiring& wiring, const AccountOptions& options, Metrics& metrics);

  // On the handle's worker. handle_taken, storage_unavailable.
  void create(NewAccount account, Reply<UserId> reply);
  void lookup(const std::string& handle, Reply<UserId> reply);
  Result<std::string> make_code(const std::string& handle);
  bool check_code(const std::string& handle, std::string_view code);

  // On the invite's worker. A claim is given back by release_invite() or used up by the account's record.
  void claim_invite(const std::string& code, Reply<Unit> reply);
  void release_invite(const std::string& code);
  void create_invite(const std::string& code, std::uint32_t uses, std::int64_t expires_ms, Reply<Unit> reply);

  // On the user's worker.
  void with_account(UserId user, std::function<void(Account&)> fn) { accounts_.with(user, std::move(fn)); }
  // Devices and the account itself change one after the other. Of all three: overloaded.
  void add_device(UserId user, DeviceInfo device, Reply<DeviceId> reply);
  void revoke_device(UserId user, DeviceId device, Reply<Unit> reply);
  void erase(UserId user, Reply<Unit> reply);
  void block(UserId user, const ChatId& chat, UserId other, bool lift, Reply<Unit> reply);
  // Changes what is set in `changed`, which is valid.
  void set_privacy(UserId user, const store::PrivacySettings& changed, Reply<Unit> reply);
  // Removes, then adds; the user is set here. too_large when there would be too many, overloaded when changes
  // come faster than checkpoints store them. What the same account removes meanwhile does not count yet.
  void change_contacts(UserId user, store::ContactsChanged changed, Reply<Unit> reply);
  void rename_device(UserId user, DeviceId device, const std::string& name, Reply<Unit> reply);
  // Takes so many contact lookups from the account's day, or tells after how many milliseconds it can. too_large
  // beyond what a day has.
  Result<std::uint32_t> take_lookups(Account& account, std::uint32_t hashes);
  // The device has, or had until now, a connection. Costs a row of the next checkpoint now and then, no record.
  void device_seen(Account& account, DeviceId device);
  // The user was present until then, wall clock. Costs as device_seen(); nothing for an account not in memory.
  void was_present(UserId user, std::int64_t until_ms);

  // On the hash's worker: the account whose handle has the hash, or none.
  void find_by_hash(const std::string& hash, std::function<void(UserId)> reply);

  // A committed record of one of this worker's rows; also at recovery.
  void applied(const RecordPtr& record);

  RowCache<UserId, Account>& accounts() { return accounts_; }
  RowCache<std::string, Handle>& handles() { return handles_; }
  RowCache<std::string, Invite>& invites() { return invites_; }
  RowCache<std::string, ContactHash>& contact_hashes() { return contact_hashes_; }

 private:
  // Each by what the one before has made of the account. `change` calls `done` when its record is committed or refused.
  void change_devices(UserId user, std::function<void(Account&, std::function<void()> done)> change,
                      const std::function<void(const Error&)>& refuse);
  // Hands a record to the journal; `done` runs on this worker.
  void write(RecordPtr record, std::function<void(Errc)> done);
  std::shared_ptr<Record> new_record() const;
  // Records from before contact discovery have no hash.
  void apply_to_hash(const std::string& hash, const RecordPtr& record);

  const AccountWiring wiring_;
  const AccountOptions options_;
  RowCache<UserId, Account> accounts_;
  RowCache<std::string, Handle> handles_;
  RowCache<std::string, Invite> invites_;
  RowCache<std::string, ContactHash> contact_hashes_;
  Verification verification_;
  Turns<UserId> turns_;  // whatever changes the devices of a user
  Counter& created_;
  Counter& deleted_;
  Counter& lookups_;
};

}  // namespace godwit
