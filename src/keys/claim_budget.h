// How much memory claims under way may take, of all workers together.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "base/metrics.h"

namespace godwit {

// There is one for all workers. Thread safe; must outlive its shares. Bound: `max_bytes`; what would exceed it is
// refused, but a claim that is larger than that by itself has its turn when there is no other.
class ClaimBudget {
 public:
  ClaimBudget(std::size_t max_bytes, Metrics& metrics)
      : max_bytes_(max_bytes),
        gauge_(metrics.gauge("godwit_keys_claim_bytes", "The most that claims under way may take of memory, in bytes")) {}

 private:
  friend class ClaimShare;
  bool take(std::size_t bytes) {
    if (bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > max_bytes_) {
      bytes_.fetch_sub(bytes, std::memory_order_relaxed);
      return false;
    }
    gauge_.Increment(static_cast<double>(bytes));
    return true;
  }
  void give_back(std::size_t bytes) {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    gauge_.Decrement(static_cast<double>(bytes));
  }

  const std::size_t max_bytes_;
  Gauge& gauge_;
  std::atomic<std::size_t> bytes_{0};
};

// What one claim holds of it; given back with the object.
class ClaimShare {
 public:
  explicit ClaimShare(ClaimBudget& all) : all_(all) {}
  ~ClaimShare() { all_.give_back(bytes_); }
  ClaimShare(const ClaimShare&) = delete;
  ClaimShare& operator=(const ClaimShare&) = delete;

  // Once. False, and nothing is held, when there would be too much in all.
  bool take(std::size_t bytes) {
    bytes = std::min(bytes, all_.max_bytes_);
    if (!all_.take(bytes)) return false;
    bytes_ = bytes;
    return true;
  }

 private:
  ClaimBudget& all_;
  std::size_t bytes_ = 0;
};

}  // namespace godwit
