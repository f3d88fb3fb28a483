// What happens to accounts on one worker: registration, devices, handles, invites, blocks, deletion.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "account/account.h"
#include "account/verification.h"
#include "base/metrics.h"
#include "godwit/clock.h"
#include "godwit/result.h"
#include "journal/record_writer.h"
#include "storage/row_cache.h"

namespace godwit {

struct AccountOptions {
  std::uint32_t max_devices = 8;
  std::size_t cached_users = 1'000'000;  // per worker
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
  void add_device(UserId user, DeviceInfo device, Reply<DeviceId> reply);
  void revoke_device(UserId user, DeviceId device, Reply<Unit> reply);
  void erase(UserId user, Reply<Unit> reply);
  void block(UserId user, const ChatId& chat, UserId other, bool lift, Reply<Unit> reply);

  // A committed record of one of this worker's rows; also at recovery.
  void applied(const RecordPtr& record);

  RowCache<UserId, Account>& accounts() { return accounts_; }
  RowCache<std::string, Handle>& handles() { return handles_; }
  RowCache<std::string, Invite>& invites() { return invites_; }

 private:
  // Hands a record to the journal; `done` runs on this worker.
  void write(RecordPtr record, std::function<void(Errc)> done);
  std::shared_ptr<Record> new_record() const;

  const AccountWiring wiring_;
  const AccountOptions options_;
  RowCache<UserId, Account> accounts_;
  RowCache<std::string, Handle> handles_;
  RowCache<std::string, Invite> invites_;
  Verification verification_;
  Counter& created_;
  Counter& deleted_;
};

}  // namespace godwit
