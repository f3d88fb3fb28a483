// What a shard counts while it runs; the progress line reads along.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace godwit::bench {

enum class Counter : std::uint8_t {
  live,           // sessions that are logged in now
  logins,         // Welcomes received
  login_retries,  // logins put off because the server asked for it or refused the connection
  sends,          // Send frames written, repetitions included
  stored,         // messages answered Sent
  delivered,      // messages that arrived, each once
  acks,           // Ack frames written
  duplicated,     // arrived again, as the application sees it
  out_of_order,   // arrived after a later one, or with a chat_seq that does not grow
  corrupt,        // payload, sender or lane wrong, or a frame that cannot be read
  mismatched,     // a repeated Send was answered with another chat_seq, or delivered with another one
  holes,          // inbox positions skipped without a Gap
  gaps,           // entries that a Gap told of
  repeats,        // envelopes at or below the cursor, dropped as the protocol wants
  foreign,        // leftovers of earlier runs
  resends,        // Sends repeated after a connection broke or the server asked to come back
  held_back,      // messages of an open loop not sent because their sender was offline or had no free request
  drops,          // connections that broke while logged in
  errors,         // requests and logins refused for good
  send_bytes,     // bytes on the wire with WebSocket headers, by kind of frame
  sent_bytes,
  deliver_bytes,
  ack_bytes,
  watermark_bytes,
  receipt_bytes,
  receipt_pushes,  // ReceiptCounts received
  kCount,
};

inline constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::kCount);

// The counters at one moment, or what they grew by between two.
struct Tally {
  std::array<std::uint64_t, kCounters> values{};

  std::uint64_t operator[](Counter counter) const { return values[static_cast<std::size_t>(counter)]; }
  Tally& operator+=(const Tally& other) {
    for (std::size_t i = 0; i < kCounters; ++i) values[i] += other.values[i];
    return *this;
  }
  friend Tally operator-(Tally a, const Tally& b) {
    for (std::size_t i = 0; i < kCounters; ++i) a.values[i] -= b.values[i];
    return a;
  }
};

// Written by one thread, read by any; no read-modify-write, so that counting costs what it does without
// atomics.
class Counters {
 public:
  void add(Counter counter, std::uint64_t count = 1) {
    auto& value = values_[static_cast<std::size_t>(counter)];
    value.store(value.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  void subtract(Counter counter) { add(counter, ~std::uint64_t{0}); }
  Tally tally() const {
    Tally tally;
    for (std::size_t i = 0; i < kCounters; ++i) tally.values[i] = values_[i].load(std::memory_order_relaxed);
    return tally;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCounters> values_{};
};

// How often what went wrong, by name: "rate_limited", "close 4100", "http 503".
using Faults = std::map<std::string, std::uint64_t>;

}  // namespace godwit::bench
