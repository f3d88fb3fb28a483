// The rows of one kind that a worker has in memory: loaded when first touched, written by checkpoints,
// evicted when idle.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cassert>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/worker.h"
#include "storage/partition_map.h"
#include "storage/reader_pool.h"
#include "storage/record.h"
#include "storage/collector.h"
#include "storage/store.h"

namespace godwit {

// Rows beside the one, as key and value.
using MoreRows = std::vector<std::pair<std::string, std::string>>;

// `State` is what the row means. It offers:
//   struct Options; State(const Key&, const Options&)
//   static constexpr Column kColumn; static std::string key(const PartitionMap&, const Key&)
//   void load(const std::optional<std::string>& row)      the stored row, or none
//     or, when it has more rows than the one:
//   static MoreRows read_more(const Store&, const PartitionMap&, const Key&, const std::optional<std::string>& row)
//                                                         on a reader; what it returns goes to
//   void load(const std::optional<std::string>& row, MoreRows more)
//   std::uint64_t applied() const                         position of the last record applied
//   void apply(const RecordPtr&)                          loaded states only, in the order of the journal
//   std::size_t collect(const PartitionMap&, Collector&)  hands out what changed since the last checkpoint, and
//                                                         tells how much that was, in entries
//   bool checkpointed(std::size_t& budget)                what was collected is in the store; frees at most
//                                                         `budget` entries, and is true when none are left
//   void checkpoint_failed()                              optional: what was collected must be collected again
//   bool idle() const                                     may be evicted when clean
//
// A record for a row that is not loaded does not load it: it waits in `pending` and is applied when the row
// is first asked for, or for the next checkpoint. So neither a message to someone who is offline nor
// recovery reads the store.
//
// A function given to with() must not ask the same cache for another row: that may evict the one it holds.
//
// Owner: one worker. Bound: `capacity` entries, beyond which idle ones are evicted; entries in use (sessions,
// uncommitted work, not yet checkpointed) are bounded by their own limits and may exceed it.
template <class Key, class State>
class RowCache {
 public:
  using Options = typename State::Options;

  RowCache(Worker& worker, const PartitionMap& map, const Store& store, ReaderPool& readers, std::size_t capacity,
           const Options& options)
      : worker_(worker), map_(map), store_(store), readers_(readers), capacity_(capacity), options_(options) {}

  // Runs `fn(State&)` at once when the row is loaded, else when it is.
  template <class F>
  void with(const Key& key, F fn) {
    Entry& entry = find_or_create(key);
    if (entry.loaded) {
      fn(entry.state);
      return;
    }
    entry.waiters.push_back(std::move(fn));
    request_load(key, entry);
  }

  // The state when it is loaded, else null.
  State* find(const Key& key) {
    const auto it = entries_.find(key);
    return it != entries_.end() && it->second->loaded ? &it->second->state : nullptr;
  }

  // Returns the state when it was loaded, so that the caller can act on the change.
  State* apply(const Key& key, const RecordPtr& record) {
    Entry& entry = find_or_create(key);
    mark_dirty(key, entry);
    if (!entry.loaded) {
      entry.pending.push_back(record);
      return nullptr;
    }
    assert(record->lsn.value >= entry.state.applied());
    entry.state.apply(record);
    return &entry.state;
  }

  // For changes that no record made (cursors).
  void mark_dirty(const Key& key) {
    const auto it = entries_.find(key);
    if (it != entries_.end()) mark_dirty(key, *it->second);
  }

  // Begins a checkpoint: what is dirty now will be collected by collect_some().
  void begin_checkpoint() {
    collecting_.insert(collecting_.end(), dirty_.begin(), dirty_.end());
    dirty_.clear();
  }

  // Collects rows until about `budget` entries are spent. Returns true when all are done. Rows that are not
  // loaded are asked for and collected by a later call.
  bool collect_some(std::size_t& budget, Collector& out) {
    std::size_t visits = collecting_.size();
    while (budget > 0 && visits > 0) {
      --visits;
      const Key key = collecting_.front();
      collecting_.pop_front();
      const auto it = entries_.find(key);
      Entry& entry = *it->second;
      if (!entry.loaded) {
        request_load(key, entry);
        collecting_.push_back(key);
        --budget;
        continue;
      }
      entry.dirty = false;
      entry.in_checkpoint = true;
      budget -= std::min(budget, entry.state.collect(map_, out));
      collected_.push_back(key);
    }
    return collecting_.empty();
  }

  // The rows collected learn that they are in the store, or that they must be written again, until about
  // `budget` entries are spent. Returns true when all know.
  bool finish_some(std::size_t& budget, bool ok) {
    while (budget > 0 && !collected_.empty()) {
      --budget;
      const Key key = collected_.back();
      Entry& entry = *entries_.find(key)->second;
      if (ok && !entry.state.checkpointed(budget)) return false;
      collected_.pop_back();
      entry.in_checkpoint = false;
      if (!ok) {
        if constexpr (requires { entry.state.checkpoint_failed(); }) entry.state.checkpoint_failed();
        mark_dirty(key, entry);
      }
    }
    return collected_.empty();
  }

  // End of turn: asks the readers for the rows that were missed, in batches.
  void flush_loads() {
    if (to_load_.empty()) return;
    std::vector<Key> keys = std::exchange(to_load_, {});
    for (std::size_t begin = 0; begin < keys.size(); begin += kLoadBatch) {
      const std::size_t end = std::min(begin + kLoadBatch, keys.size());
      load(std::vector<Key>(keys.begin() + static_cast<std::ptrdiff_t>(begin),
                            keys.begin() + static_cast<std::ptrdiff_t>(end)));
    }
  }

  std::size_t size() const { return entries_.size(); }
  std::size_t dirty() const { return dirty_.size() + collecting_.size(); }
  std::size_t loads() const { return loads_; }

  template <class F>
  void for_each_loaded(F fn) {
    for (auto& [key, entry] : entries_) {
      if (entry->loaded) fn(entry->state);
    }
  }

 private:
  static constexpr std::size_t kLoadBatch = 256;
  static constexpr int kEvictTries = 4;

  struct Entry {
    Entry(const Key& key, const Options& options) : state(key, options) {}
    State state;
    bool loaded = false;
    bool loading = false;
    bool dirty = false;
    bool in_checkpoint = false;
    std::vector<std::function<void(State&)>> waiters;
    std::vector<RecordPtr> pending;
  };

  Entry& find_or_create(const Key& key) {
    const auto it = entries_.find(key);
    if (it != entries_.end()) return *it->second;
    if (entries_.size() >= capacity_) evict();
    Entry& entry = *entries_.emplace(key, std::make_unique<Entry>(key, options_)).first->second;
    order_.push_back(key);
    return entry;
  }

  // Second chance in order of arrival; a few tries, so that no call pays for a sweep.
  void evict() {
    for (int i = 0; i < kEvictTries && !order_.empty(); ++i) {
      const Key key = order_.front();
      order_.pop_front();
      const auto it = entries_.find(key);
      const Entry& e = *it->second;
      const bool busy = !e.loaded || e.dirty || e.in_checkpoint || !e.waiters.empty() || !e.state.idle();
      if (busy) {
        order_.push_back(key);
      } else {
        entries_.erase(it);
      }
    }
  }

  void mark_dirty(const Key& key, Entry& entry) {
    if (entry.dirty) return;
    entry.dirty = true;
    dirty_.push_back(key);
  }

  void request_load(const Key& key, Entry& entry) {
    if (entry.loading || entry.loaded) return;
    entry.loading = true;
    to_load_.push_back(key);
  }

  static constexpr bool kHasMore = requires(const Store& store, const PartitionMap& map, const Key& key,
                                            const std::optional<std::string>& row) {
    State::read_more(store, map, key, row);
  };

  struct Loaded {
    std::vector<std::optional<std::string>> rows;
    std::vector<MoreRows> more;  // parallel to `rows` when kHasMore
  };

  void load(std::vector<Key> keys) {
    readers_.post([this, keys = std::move(keys)]() mutable {
      std::vector<std::string> stored_keys;
      stored_keys.reserve(keys.size());
      for (const Key& key : keys) stored_keys.push_back(State::key(map_, key));
      Loaded got{store_.multi_get(State::kColumn, stored_keys), {}};
      if constexpr (kHasMore) {
        for (std::size_t i = 0; i < keys.size(); ++i) {
          got.more.push_back(State::read_more(store_, map_, keys[i], got.rows[i]));
        }
      }
      worker_.post([this, keys = std::move(keys), got = std::move(got)]() mutable { loaded(keys, got); });
    });
  }

  void loaded(const std::vector<Key>& keys, Loaded& got) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      Entry& entry = *entries_.find(keys[i])->second;
      ++loads_;
      entry.loading = false;
      entry.loaded = true;
      if constexpr (kHasMore) {
        entry.state.load(got.rows[i], std::move(got.more[i]));
      } else {
        entry.state.load(got.rows[i]);
      }
      const std::uint64_t applied = entry.state.applied();
      for (const RecordPtr& record : std::exchange(entry.pending, {})) {
        if (record->lsn.value > applied) entry.state.apply(record);
      }
      for (auto& waiter : std::exchange(entry.waiters, {})) waiter(entry.state);
    }
  }

  Worker& worker_;
  const PartitionMap& map_;
  const Store& store_;
  ReaderPool& readers_;
  const std::size_t capacity_;
  const Options options_;
  boost::unordered_flat_map<Key, std::unique_ptr<Entry>, std::hash<Key>> entries_;
  std::deque<Key> order_;
  std::vector<Key> to_load_;
  std::vector<Key> dirty_;
  std::deque<Key> collecting_;
  std::vector<Key> collected_;
  std::size_t loads_ = 0;
};

}  // namespace godwit
