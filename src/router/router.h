// Who owns what: workers, their shards, and the way of a record from the journal to them.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/metrics.h"
#include "base/worker.h"
#include "godwit/clock.h"
#include "godwit/journal.h"
#include "router/shard.h"
#include "storage/partition_map.h"
#include "storage/reader_pool.h"
#include "storage/store.h"

namespace godwit {

// Life cycle: construct, recover(), start(), stop(). The workers stop before store, readers and journal go.
class Router {
 public:
  Router(unsigned workers, const ShardOptions& options, const Clock& clock, Store& store, ReaderPool& readers,
         Journal& journal, Metrics& metrics);
  ~Router();

  // Wakes devices up for calls; before start(). Called on any worker. Without it none are.
  void set_wake_up(std::function<void(WakeUp)> wake_up) { wake_up_ = std::move(wake_up); }

  // Feeds the journal's tail to the shards. Before start(); on the calling thread.
  void recover();
  // Starts the workers, then the journal.
  void start();
  // No more turns. What was handed to the journal is committed.
  void stop();

  const PartitionMap& map() const { return map_; }
  unsigned workers() const { return map_.workers; }
  Worker& worker(unsigned index) { return *workers_[index]; }
  Shard& shard(unsigned index) { return *shards_[index]; }
  template <class Id>
  Shard& shard_of(const Id& id) {
    return *shards_[map_.worker(id)];
  }

  // What of it is for any thread.
  const KeyLog& key_log() { return shard_of(kKeyLogName).key_log(); }

  // Runs `fn(Shard&)` on a worker: at once when this is that worker, else posted.
  template <class F>
  void at(unsigned index, F fn) {
    Shard& shard = *shards_[index];
    if (shard.worker().is_current()) {
      fn(shard);
    } else {
      shard.worker().post([&shard, fn = std::move(fn)]() mutable { fn(shard); });
    }
  }
  // The same on the worker of `id`.
  template <class Id, class F>
  void on(const Id& id, F fn) {
    at(map_.worker(id), std::move(fn));
  }

  // Everything up to here has been handed to the shards' workers. Any thread.
  Lsn dispatched() const { return Lsn(dispatched_.load(std::memory_order_acquire)); }
  // Bytes of records committed since the start. Any thread.
  std::uint64_t committed_bytes() const { return committed_bytes_.load(std::memory_order_relaxed); }
  // Runs `post`, which posts to workers, when no batch is being handed to them: what any worker has seen by
  // then, all have in their mailboxes before what is posted. Any thread but a worker's.
  template <class F>
  void post_after_dispatch(F post) {
    const std::lock_guard lock(dispatching_);
    post();
  }
  // Of the data (Journal::incarnation). Any thread.
  std::uint64_t incarnation() const { return journal_.incarnation(); }
  std::uint64_t recovered_records() const { return recovered_; }

 private:
  // Ends a turn now and then even when nothing happens, for what is due by time.
  void tick(unsigned index);
  // The journal's sink.
  void dispatch(Journal::Batch batch, Errc outcome);

  const PartitionMap map_;
  const Clock& clock_;
  Journal& journal_;
  Store& store_;
  std::atomic<std::int64_t> calls_under_way_{0};
  VerifyQueue verify_keys_;
  ClaimBudget claims_;
  std::function<void(WakeUp)> wake_up_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<boost::asio::steady_timer>> ticks_;
  std::mutex dispatching_;  // held while a batch is handed to the workers
  std::atomic<std::uint64_t> dispatched_{0};
  std::atomic<std::uint64_t> committed_bytes_{0};
  std::uint64_t recovered_ = 0;
  bool started_ = false;
};

}  // namespace godwit
