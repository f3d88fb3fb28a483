// The key log: every change of the identity keys of any user, in one append-only Merkle tree with signed heads.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ed25519_key.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "godwit/clock.h"
#include "godwit/result.h"
#include "journal/record_writer.h"
#include "storage/collector.h"
#include "storage/partition_map.h"
#include "storage/reader_pool.h"
#include "storage/store.h"
#include "transparency/key_log_entry.h"
#include "transparency/merkle.h"

namespace godwit {

struct KeyLogOptions {
  std::string key_file;                      // made when missing; see log_key.h
  // 64 bytes of memory each. The last tenth is for first identities and withdrawals, the last twentieth for the latter.
  std::uint64_t max_entries = 100'000'000;
};

struct KeyLogWiring {
  Worker& worker;
  std::vector<Worker*> workers;
  const PartitionMap& map;
  const Clock& clock;
  const Store& store;
  ReaderPool& readers;
  RecordWriter& writer;
};

// As godwit.v1.TreeHead.
struct TreeHead {
  std::uint64_t size = 0;
  TreeHash root{};
  std::int64_t time_ms = 0;
  std::string signature;
  std::vector<TreeHash> consistency;
};

// `hashes` prove the leaves that were asked for, by `head` (MerkleTree::inclusion).
struct KeyLogProof {
  TreeHead head;
  std::vector<TreeHash> hashes;
};

struct KeyLogRequest {
  std::uint64_t from = 0;   // position; of a user, version
  std::uint32_t limit = 0;  // 1 to KeyLog::kMaxPageEntries
  UserId user;              // none: of everyone
  std::uint64_t since_size = 0;
};

struct KeyLogPage {
  std::vector<KeyLogEntryPtr> entries;  // in order of position
  bool more = false;
  KeyLogProof proof;  // of `entries`
};

// There is one for the whole server. An entry is decided by append(), committed by the journal, and then visible:
// heads, proofs and pages are of the committed size. Several entries may be on their way to the journal.
//
// Owner: the worker of kKeyLogName (storage/keys.h); every call on it, but for size() and public_key(). Bound:
// options.max_entries. The entries themselves are in the store, and in memory until a checkpoint has put them there.
class KeyLog {
 public:
  template <class T>
  using Reply = std::function<void(const Result<T>&)>;

  static constexpr std::uint32_t kMaxPageEntries = 1'000;
  static constexpr std::size_t kMaxPageBytes = 256 << 10;  // of entries; at least one is returned

  // Reads the hashes of all entries from the store: 0.3 s a million. Throws std::runtime_error when the store or the
  // key file is damaged. What `wiring` refers to must outlive it.
  KeyLog(KeyLogWiring wiring, const KeyLogOptions& options, Metrics& metrics);

  // Gives the log's next position to a record that has identity_changed with all but log_index, and the record to the
  // journal, whose commit makes it an entry. Sets log_index, the record's time and its `done`. `reply` runs once, on
  // worker `reply_worker`, after every worker was handed the record: with the position, or with storage_unavailable
  // or overloaded (the journal's queue, or the log, is full). Refused records are no entries; of a write that failed
  // only the next start finds out whether it is one after all.
  void append(RecordPtr record, unsigned reply_worker, Reply<std::uint64_t> reply);

  // Head of the present size, and proof of the entries at `indices` (any order, repetitions allowed): 1,000 of a
  // million take 1.5 ms. The entries must be committed, but this worker need not know of it yet: whoever is told of an
  // entry elsewhere may be quicker, and `reply` then waits for it; otherwise it runs at once.
  // With `since_size` other than 0 also proof that the head continues the log of that size.
  // invalid_argument: `since_size` or an index is beyond the log.
  void prove(std::vector<std::uint64_t> indices, std::uint64_t since_size, Reply<KeyLogProof> reply);

  // A page of the log; entries that a checkpoint has written are read by a reader. `reply` runs on this worker.
  // invalid_argument: `since_size` is beyond the log.
  void list(const KeyLogRequest& request, Reply<KeyLogPage> reply);

  // A committed record; also at recovery, where those that the store has are skipped.
  void applied(const Record& record);
  // A record that the journal refused or lost: its position and all after it are free again.
  void undo(const Record& record);

  // Checkpoints, as RowCache.
  void begin_checkpoint();
  bool collect_some(std::size_t& budget, Collector& out);
  bool finish_some(std::size_t& budget, bool ok);
  // Entries that the store does not have yet.
  std::size_t dirty() const { return tail_.size(); }

  // Any thread. Entries committed.
  std::uint64_t size() const { return committed_.load(std::memory_order_acquire); }
  // Any thread. 32 bytes, constant.
  const std::string& public_key() const { return key_.public_key; }

 private:
  struct Waiting {
    std::vector<std::uint64_t> indices;
    std::uint64_t since_size = 0;
    Reply<KeyLogProof> reply;
  };

  void answer_waiting();
  Result<KeyLogProof> prove_now(const std::vector<std::uint64_t>& indices, std::uint64_t since_size);
  const TreeHead& signed_head();
  // `entries` may be more than the page is to have.
  void answer_page(std::vector<KeyLogEntryPtr> entries, std::size_t limit, std::uint64_t since_size,
                   const Reply<KeyLogPage>& reply);

  const KeyLogWiring wiring_;
  const KeyLogOptions options_;
  const Partition partition_;
  MerkleTree tree_;  // of all entries that are decided
  const Ed25519Key key_;
  std::int64_t last_time_ms_ = 0;
  std::atomic<std::uint64_t> committed_;
  std::uint64_t stored_;             // entries that the store has
  std::deque<KeyLogEntryPtr> tail_;  // the committed ones after those
  std::vector<Waiting> waiting_;  // for entries to be committed
  TreeHead head_;                 // the last that was signed
  std::int64_t signed_at_ms_ = 0;  // steady
  // Of the checkpoint under way: positions from `collected_` to `collect_end_` are yet to be collected.
  std::uint64_t collected_;
  std::uint64_t collect_end_;

  Gauge& entries_;
  Counter& appended_;
  Counter& refused_;
  Counter& signed_;
  Counter& proofs_;
  Counter& pages_;
};

}  // namespace godwit
