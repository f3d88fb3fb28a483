// Keys for end-to-end encryption: published by devices, each one-time key given out to one claimer.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/turns.h"
#include "base/worker.h"
#include "godwit.pb.h"
#include "godwit/clock.h"
#include "godwit/result.h"
#include "journal/record_writer.h"
#include "keys/claim_budget.h"
#include "keys/key_checks.h"
#include "keys/user_keys.h"
#include "keys/verify_queue.h"
#include "storage/row_cache.h"

namespace godwit {

struct KeyOptions {
  std::size_t max_devices = 8;             // of a user
  std::size_t max_per_stock = 200;         // one-time keys of a kind and device
  std::size_t low_stock = 20;              // at or below it the device is told
  std::uint32_t published_per_hour = 5'000;  // keys of a user; 0 is no limit, here and below
  std::uint32_t claims_per_hour = 10'000;    // users of whom a user takes keys
  std::uint32_t lookups_per_hour = 100'000;  // users whose identity keys a user asks for
  std::uint32_t identities_per_day = 20;     // changes of identity of a user's devices
  ClaimQuota::Limits claimed{100, 4};        // claims that take one-time keys of a user
  std::size_t cached_users = 100'000;        // per worker
};

// An account, as far as its keys are concerned.
struct KeyOwner {
  struct Device {
    DeviceId id;
    std::string key;
    DeviceId approved_by;
    std::string approval_signature;
    std::string approval_link_id;
  };
  bool exists = false;
  std::vector<Device> devices;

  const Device* device(DeviceId id) const;
};

class KeyService;

// What the service needs of the rest of the process; wired by the router. `owner`, `push` are about users of this
// worker, and run on it.
struct KeyWiring {
  Worker& worker;
  const PartitionMap& map;
  const Clock& clock;
  const Store& store;
  ReaderPool& readers;
  RecordWriter& writer;
  VerifyQueue& verify;
  ClaimBudget& claims;
  std::function<void(UserId user, std::function<void(const KeyOwner&)>)> owner;
  // Makes a record with identity_changed an entry of the key log. The reply comes on this worker, after the record was
  // applied here, or with why it is none.
  std::function<void(RecordPtr record, std::function<void(Errc)> reply)> append_to_log;
  // An encoded ServerFrame to the device, if it is connected; may be lost.
  std::function<void(UserId user, DeviceId device, std::string_view frame)> push;
  // The service on the worker of the user, on that worker.
  std::function<void(UserId user, std::function<void(KeyService&)>)> at;
};

// A claim, which is valid.
struct KeyClaim {
  UserId claimer;
  DeviceId device;  // of which nothing is taken
  std::vector<UserId> users;  // each once
  bool prekeys = false;
  bool key_packages = false;
  // Of whom which devices; with `only_some`, of no other device keys are taken.
  bool only_some = false;
  std::set<std::pair<UserId, DeviceId>> only;
  std::size_t max_bytes = 0;  // of the reply

  bool takes() const { return prekeys || key_packages; }
};

// What a claim told. Holds its share of memory until it is on its way to the client.
struct Claimed {
  explicit Claimed(ClaimBudget& budget) : share(budget) {}
  ClaimShare share;
  v1::ClaimedKeys keys;
};
using ClaimedPtr = std::shared_ptr<Claimed>;

// A publication is checked and its signatures are verified by the readers (VerifyQueue), then it is decided.
// What changes the keys of one user is decided one after the other, so that each has the versions and places that the
// one before left; at most Turns::kMax wait. A change of identity is an entry of the key log, whose owner decides its
// position; the record holds what was published with it.
//
// A claim goes to the workers of its users: they mark the oldest keys as taken and read them. What fits into the reply
// becomes records, and is told when they are committed; the rest is given back.
//
// Owner: one worker; everything on its thread, each call on the worker of the user it names first. Replies come on
// this worker, exactly once: for changes after their commit.
class KeyService {
 public:
  template <class T>
  using Reply = std::function<void(const Result<T>&)>;

  KeyService(KeyWiring wiring, const KeyOptions& options, Metrics& metrics);

  // The same again succeeds and puts nothing in twice. key_invalid, key_id_reused, identity_needed, too_large,
  // invalid_argument, rate_limited, overloaded, device_revoked, storage_unavailable.
  void publish(UserId user, DeviceId device, v1::PublishKeys keys, Reply<v1::KeyStock> reply);
  void stock(UserId user, DeviceId device, std::function<void(const v1::KeyStock&)> reply);
  // Tells a device that has just connected, if a stock is low.
  void device_live(UserId user, DeviceId device);
  // Without head and proof. rate_limited, storage_unavailable, overloaded.
  void claim(KeyClaim claim, Reply<ClaimedPtr> reply);
  void with_user(UserId user, std::function<void(UserKeys&)> fn) { users_.with(user, std::move(fn)); }

  // A committed record that concerns this worker; also at recovery.
  void applied(const RecordPtr& record);
  // Before the records of the turn are handed over: what is due.
  void end_turn();

  RowCache<UserId, UserKeys>& users() { return users_; }

 private:
  struct Publication;
  struct Slot;
  struct Part;
  struct Claiming;
  using PublicationPtr = std::shared_ptr<Publication>;
  using PartPtr = std::shared_ptr<Part>;

  std::shared_ptr<Record> new_record() const;
  // Hands a record to the journal; `done` runs on this worker.
  void write(RecordPtr record, std::function<void(Errc)> done);
  v1::KeyStock stock_of(const UserKeys& user, DeviceId device) const;
  bool low(const DeviceKeySet& device) const;
  void tell_low(UserKeys& user);
  // Takes devices that the account does not have any more out of the key log.
  void check_devices(UserId user);
  void withdraw_gone(UserId user);
  void withdraw_later(UserId user);
  void withdraw_gone_now(UserKeys& user, const KeyOwner& owner, const std::function<void()>& done);

  // publish.cc
  Status admit(Publication& publication, UserKeys& user, const KeyOwner& owner);
  void verify(const PublicationPtr& publication);
  void verified(const PublicationPtr& publication);
  void decide(const PublicationPtr& publication, std::function<void()> done);
  void decide_now(const PublicationPtr& publication, UserKeys& user, const KeyOwner& owner,
                  std::function<void()> done);
  void publish_identity(const PublicationPtr& publication, const UserKeys& user, const std::string& device_key,
                        store::KeysPublished published, std::function<void(Errc)> done);
  void refuse(const Publication& publication, const Error& error);

  // claim.cc
  void reserve(const PartPtr& part);
  void reserve_user(Part& part, Slot& slot, UserKeys& user, const KeyOwner& owner);
  void read_reserved(const PartPtr& part, std::size_t first);
  void fill(const PartPtr& part, std::size_t first, std::vector<std::optional<std::string>> read);
  void settle(const PartPtr& part);
  void release(const Part& part, const Slot& slot);
  void reserved(const std::shared_ptr<Claiming>& claiming);
  void settled(const std::shared_ptr<Claiming>& claiming);
  void count(const Slot& slot);

  const KeyWiring wiring_;
  const KeyOptions options_;
  std::vector<UserId> to_check_;  // see UserKeys::Options
  RowCache<UserId, UserKeys> users_;
  Turns<UserId> turns_;           // whatever changes the keys of a user
  std::set<UserId> withdrawing_;  // a turn for that is in turns_
  std::set<UserId> withdraw_again_;  // the journal or the log refused
  std::int64_t withdraw_again_at_ms_ = 0;  // steady

  Counter& published_;
  Counter& refused_;
  Counter& identities_changed_;
  Counter& withdrawn_;
  Counter& claims_;
  Counter& one_time_claimed_;
  Counter& last_resorts_;
  Counter& withheld_;
  Counter& left_out_;
  Counter& low_told_;
  Gauge& withdrawals_waiting_;
};

}  // namespace godwit
