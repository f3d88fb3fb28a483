// Changes of one thing that are decided one after the other: each by what the one before has made of it.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "base/metrics.h"
#include "base/worker.h"

namespace godwit {

// Owner: one worker; everything on its thread. Bound: kMax of one key, the one that runs included.
template <class Key>
class Turns {
 public:
  static constexpr std::size_t kMax = 16;
  // Calls `done` once, when what it decided is committed or refused.
  using Turn = std::function<void(std::function<void()> done)>;

  Turns(Worker& worker, Gauge& waiting) : worker_(worker), waiting_(waiting) {}

  // Runs the turn when all of the key that came before are done. False, and it never runs, when too many wait.
  bool add(const Key& key, Turn turn) {
    std::deque<Turn>& turns = turns_[key];
    if (turns.size() >= kMax) return false;
    turns.push_back(std::move(turn));
    waiting_.Increment();
    if (turns.size() == 1) next(key);
    return true;
  }

 private:
  void next(const Key& key) {
    const Turn turn = turns_[key].front();
    turn([this, key] {
      const auto it = turns_.find(key);
      it->second.pop_front();
      waiting_.Decrement();
      if (it->second.empty()) {
        turns_.erase(it);
      } else {
        // Later, so that a row of refusals is no recursion.
        worker_.post([this, key] { next(key); });
      }
    });
  }

  Worker& worker_;
  Gauge& waiting_;
  std::map<Key, std::deque<Turn>> turns_;  // the first of each runs
};

}  // namespace godwit
