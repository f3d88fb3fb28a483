// How much memory large messages may take before they are complete, of all connections together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace godwit::net {

// Room is given for a whole message, so that what has room can always be completed. Who gets none waits, and asks again.
//
// Thread-safe. Bounds: `limit` bytes in all, of one owner a sixteenth of it, but always one message of `largest`; what
// waiting connections have read so far is bounded by `limit`, too.
class LargeInputs {
 public:
  LargeInputs(std::uint64_t limit, std::uint64_t largest) : limit_(limit), share_(std::max(limit / 16, largest)) {}

  std::uint64_t bytes() const { return get(bytes_); }
  std::uint64_t waiting_bytes() const { return get(waiting_); }

 private:
  friend class LargeInput;
  std::uint64_t get(const std::uint64_t& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }

  const std::uint64_t limit_;
  const std::uint64_t share_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::uint64_t bytes_ = 0;
  std::uint64_t waiting_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> of_owner_;  // those that have room
};

enum class Room : std::uint8_t { given, wait, refused };

// What one connection has of it; given back with the object.
class LargeInput {
 public:
  LargeInput(LargeInputs& all, std::uint64_t owner) : all_(all), owner_(owner) {}
  ~LargeInput();
  LargeInput(const LargeInput&) = delete;
  LargeInput& operator=(const LargeInput&) = delete;

  bool has_room() const { return bytes_ != 0; }
  // Room for a message of `size` bytes, of which `here` were read. Refused when too many wait already.
  Room ask(std::size_t size, std::size_t here);

 private:
  LargeInputs& all_;
  const std::uint64_t owner_;
  std::uint64_t bytes_ = 0;
  std::uint64_t waiting_ = 0;
};

}  // namespace godwit::net
