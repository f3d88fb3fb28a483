// How much of large messages there may be in memory that are not complete, of all connections together.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace godwit::net {

// Thread-safe. Bound: `limit` bytes; what would exceed it is refused.
class LargeInputs {
 public:
  explicit LargeInputs(std::uint64_t limit) : limit_(limit) {}
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  friend class LargeInput;
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> bytes_{0};
};

// What one connection holds of it; given back with the object.
class LargeInput {
 public:
  explicit LargeInput(LargeInputs& all) : all_(all) {}
  ~LargeInput() { all_.bytes_.fetch_sub(bytes_, std::memory_order_relaxed); }
  LargeInput(const LargeInput&) = delete;
  LargeInput& operator=(const LargeInput&) = delete;

  std::size_t bytes() const { return bytes_; }
  // From now on it is so many. False, and nothing has changed, when there would be too many in all.
  bool set(std::size_t bytes) {
    if (bytes > bytes_) {
      const std::uint64_t more = bytes - bytes_;
      if (all_.bytes_.fetch_add(more, std::memory_order_relaxed) + more > all_.limit_) {
        all_.bytes_.fetch_sub(more, std::memory_order_relaxed);
        return false;
      }
    } else {
      all_.bytes_.fetch_sub(bytes_ - bytes, std::memory_order_relaxed);
    }
    bytes_ = bytes;
    return true;
  }

 private:
  LargeInputs& all_;
  std::size_t bytes_ = 0;
};

}  // namespace godwit::net
