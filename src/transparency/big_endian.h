// Integers as they are signed and hashed: most significant byte first.
#pragma once

#include <concepts>
#include <string>

namespace godwit {

template <std::unsigned_integral T>
void append_big_endian(std::string& out, T value) {
  for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

}  // namespace godwit
