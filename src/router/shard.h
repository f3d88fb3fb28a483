// Everything that one worker owns: its inboxes, chats and accounts, and who is connected.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "account/account_service.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "call/call_service.h"
#include "chat/chat_service.h"
#include "godwit/journal.h"
#include "inbox/inbox.h"
#include "journal/record_writer.h"
#include "keys/key_service.h"
#include "keys/verify_queue.h"
#include "presence/presence_service.h"
#include "router/registry.h"
#include "status/status_service.h"
#include "storage/row_cache.h"
#include "transparency/key_log.h"

namespace godwit {

struct ShardOptions {
  ChatOptions chat;
  AccountOptions account;
  Inbox::Options inbox;
  PresenceOptions presence;
  CallOptions call;
  std::size_t cached_inboxes = 1'000'000;
  StatusOptions status;
  KeyLogOptions key_log;
  KeyOptions keys;
  std::size_t max_verify_bytes = 64 << 20;  // of published keys on all workers, see VerifyQueue
  std::size_t max_claims_bytes = 256 << 20;  // of claims on all workers, see ClaimBudget
};

// Owner: its worker. Records come in journal order, each applied to what is here of what it concerns.
class Shard {
 public:
  struct Wiring {
    Worker& worker;
    std::vector<Worker*> workers;
    const PartitionMap& map;
    const Clock& clock;
    Store& store;
    ReaderPool& readers;
    Journal& journal;
    Metrics& metrics;
    // Runs on the shard of a worker: at once when that is the present one, else posted.
    std::function<void(unsigned worker, std::function<void(Shard&)>)> at;
    // Wakes devices that are asleep.
    std::function<void(WakeUp)> wake_up;
    std::atomic<std::int64_t>& calls_under_way;  // on all workers
    VerifyQueue& verify_keys;                    // of all workers
    ClaimBudget& claims;                         // of all workers
  };

  Shard(Wiring wiring, const ShardOptions& options);

  // A batch from the journal: what of it concerns this worker becomes visible here.
  void committed(const Journal::Batch& batch);
  // The same batch has been handed to every worker: who waits is answered, and whoever must leave leaves.
  // So an answer is never ahead of what it answers: what its receiver asks next finds it, on any worker.
  void answered(const Journal::Batch& batch);
  // A batch that the journal lost: decisions are taken back on all workers, then those who wait are told. The
  // journal accepts nothing until both have run wherever they must.
  void undo(const Journal::Batch& batch);
  void refused(const Journal::Batch& batch, Errc outcome);
  // A record from before the start; nobody is connected yet.
  void recovered(const RecordPtr& record) {
    apply(record);
    finish_fan_outs();
    statuses_.finish_fan_outs();
  }

  // End-of-turn hook: decisions to the journal, missed rows to the readers.
  void end_turn();

  // A checkpoint: first the inboxes of all workers, then the rest, so that what an inbox refers to in a chat's
  // log is in the same checkpoint. One step is short enough not to be noticed; true when there is no more to do.
  void begin_inboxes();
  void begin_checkpoint();
  bool collect_inboxes_step(Collector& out);
  bool collect_step(Collector& out);
  bool finish_step(bool ok);

  Worker& worker() { return wiring_.worker; }
  ChatService& chats() { return chats_; }
  AccountService& accounts() { return accounts_; }
  RowCache<UserId, Inbox>& inboxes() { return inboxes_; }
  Registry& registry() { return registry_; }
  PresenceService& presence() { return presence_; }
  StatusService& statuses() { return statuses_; }
  CallService& calls() { return calls_; }
  KeyService& keys() { return keys_; }
  // On the worker of kKeyLogName; others have none.
  KeyLog& key_log() { return *key_log_; }
  bool has_dirty() const { return dirty_.load(std::memory_order_relaxed) != 0; }

  // For collectors of metrics, any thread: what was true at the end of a recent turn.
  struct Sizes {
    std::size_t inboxes = 0;
    std::size_t chats = 0;
    std::size_t accounts = 0;
    std::size_t users_online = 0;
    std::size_t dirty = 0;
    std::size_t to_notify = 0;
    std::size_t status_users = 0;
    std::size_t key_users = 0;
  };
  Sizes sizes() const;

 private:
  // <feature>_wiring.cc: what a feature must know of the others, which it does not call itself.
  ChatWiring wire_chats();
  void find_gone_devices(std::vector<DeviceName> devices, std::function<void(std::vector<DeviceName>)> reply);
  PresenceWiring wire_presence();
  StatusWiring wire_statuses();
  CallWiring wire_calls();
  KeyWiring wire_keys();
  // Null where the log is another worker's.
  std::unique_ptr<KeyLog> make_key_log(const KeyLogOptions& options);
  // Runs `fn` on the shard of `id`.
  template <class Id>
  void on(const Id& id, std::function<void(Shard&)> fn) {
    wiring_.at(wiring_.map.worker(id), std::move(fn));
  }
  void push(UserId user, std::string_view frame);

  void apply(const RecordPtr& record);
  void finish(Record& record, Errc outcome);
  // What was decided since the last time goes to the journal; what that refuses is taken back and answered.
  void write_decided();
  void take_back(const Journal::Batch& batch);
  void apply_to_inbox(UserId user, const RecordPtr& record);
  // Who left a group leaves its call.
  void leave_calls(const store::MessageAppended& message);
  // Fan-outs to large groups are done in slices, between which others have their turn. What comes later for a
  // user who is not reached yet waits behind: entries of an inbox are in journal order.
  struct FanOut {
    RecordPtr record;
    const std::vector<UserId>* users;  // of record->recipients, ascending; null: `one`
    std::size_t next = 0;
    UserId one;
  };
  void fan_out(const RecordPtr& record);
  void fan_out_some(std::size_t budget);
  void fan_out_later();
  void finish_fan_outs();
  bool waits(UserId user) const;
  void apply_now(UserId user, const RecordPtr& record);
  void notify_touched();
  void notify_some();
  template <class F>
  bool for_caches(F step);

  const Wiring wiring_;
  const std::uint64_t bit_;
  RecordWriter writer_;
  RowCache<UserId, Inbox> inboxes_;
  ChatService chats_;
  AccountService accounts_;
  Registry registry_;
  PresenceService presence_;
  StatusService statuses_;
  CallService calls_;
  KeyService keys_;
  const std::unique_ptr<KeyLog> key_log_;
  std::deque<FanOut> fan_outs_;
  bool fanning_out_ = false;  // the rest of fan_outs_ is for a later turn
  std::deque<UserId> touched_;
  std::deque<UserId> fanned_out_;  // to be told when fan_outs_ is empty
  bool notifying_ = false;  // the rest of touched_ is for a later turn
  std::atomic<std::size_t> dirty_{0};
  std::atomic<std::size_t> to_notify_{0};
  std::atomic<std::size_t> inbox_count_{0};
  std::atomic<std::size_t> chat_count_{0};
  std::atomic<std::size_t> account_count_{0};
  std::atomic<std::size_t> online_count_{0};
  std::atomic<std::size_t> status_user_count_{0};
  std::atomic<std::size_t> key_user_count_{0};
};

}  // namespace godwit
