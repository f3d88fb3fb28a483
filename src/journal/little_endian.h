// Fixed-size integers of the journal's files, least significant byte first.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace godwit {

static_assert(std::endian::native == std::endian::little, "the journal's files are little endian");

inline void store_u32(char* at, std::uint32_t v) {
  std::memcpy(at, &v, sizeof v);
}
inline void store_u64(char* at, std::uint64_t v) {
  std::memcpy(at, &v, sizeof v);
}
inline std::uint32_t load_u32(const char* at) {
  std::uint32_t v;
  std::memcpy(&v, at, sizeof v);
  return v;
}
inline std::uint64_t load_u64(const char* at) {
  std::uint64_t v;
  std::memcpy(&v, at, sizeof v);
  return v;
}

}  // namespace godwit
