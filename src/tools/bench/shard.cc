#include "tools/bench/shard.h"

#include <chrono>

namespace godwit::bench {
namespace {

std::int64_t wall_minus_steady_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count() - steady_ns();
}

}  // namespace

Shard::Shard(std::uint32_t shard_index, const Options& shard_options, const Target& shard_target,
             std::uint64_t seed)
    : index(shard_index),
      options(shard_options),
      target(shard_target),
      wall_offset_ns(wall_minus_steady_ns()),
      random(seed),
      logins(*this, shard_options.concurrency) {}

MessageId Shard::make_message_id() {
  MessageId id;
  const auto time = static_cast<std::uint64_t>(wall_ms());
  std::uint64_t random_part = random.next();
  const std::uint64_t high = time << 16 | 0x7000 | (random_part & 0x0FFF);
  random_part = random.next();
  const std::uint64_t low = (random_part & 0x3FFF'FFFF'FFFF'FFFFULL) | 0x8000'0000'0000'0000ULL;
  for (int i = 0; i < 8; ++i) {
    id.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
    id.bytes[static_cast<std::size_t>(i) + 8] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  return id;
}

}  // namespace godwit::bench
