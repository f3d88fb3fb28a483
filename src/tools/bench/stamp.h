// What a benchmark message carries, so that its recipient can tell whose it is, which one, and how old.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace godwit::bench {

// First bytes of every payload; the rest is filler that the recipient compares.
struct Stamp {
  std::uint64_t run = 0;      // differs per run: leftovers of an earlier run are told apart
  std::uint32_t lane = 0;     // sender and recipient
  std::uint32_t counter = 0;  // position in the lane, from 0
  std::int64_t sent_ns = 0;   // steady time at which it was, or should have been, sent

  std::string_view view() const { return {reinterpret_cast<const char*>(this), sizeof *this}; }
};
inline constexpr std::size_t kStampBytes = sizeof(Stamp);
static_assert(kStampBytes == 24);

inline std::optional<Stamp> read_stamp(std::string_view payload) {
  if (payload.size() < kStampBytes) return std::nullopt;
  Stamp stamp;
  std::memcpy(&stamp, payload.data(), kStampBytes);
  return stamp;
}

}  // namespace godwit::bench
