// What one thread of the generator owns. Shards share nothing but constants.
#pragma once

#include <cstdint>
#include <string>

#include "godwit/ids.h"
#include "tools/bench/counters.h"
#include "tools/bench/histogram.h"
#include "tools/bench/login_queue.h"
#include "tools/bench/loop.h"
#include "tools/bench/options.h"
#include "tools/bench/transport.h"

namespace godwit::bench {

// SplitMix64 (Steele, Lea, Flood 2014): reproducible from the printed seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

// Only `counters` may be read by another thread while the shard's own runs.
struct Shard {
  Shard(std::uint32_t index, const Options& options, const Target& target, std::uint64_t seed);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // UUIDv7 (RFC 9562) for the present turn.
  MessageId make_message_id();
  // The wall clock as of the present turn.
  std::int64_t wall_ms() const { return (loop.now() + wall_offset_ns) / kNsPerMs; }
  void fault(const std::string& name) { ++faults[name]; }

  const std::uint32_t index;
  const Options& options;
  const Target& target;
  const std::int64_t wall_offset_ns;
  Loop loop;
  Random random;
  Counters counters;
  Faults faults;
  LoginQueue logins;
};

}  // namespace godwit::bench
