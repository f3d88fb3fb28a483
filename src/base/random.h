// Random bytes and ids from libsodium's generator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "godwit/ids.h"

namespace godwit {

// Must succeed once before anything else of libsodium is used; throws std::runtime_error when it fails.
void init_crypto();
std::string random_bytes(std::size_t count);
std::uint64_t random_u64();
// Uniform in [0, bound); 0 for a bound of 0.
std::uint32_t random_below(std::uint32_t bound);
// UUIDv7 (RFC 9562) for the given time.
MessageId make_message_id(std::int64_t wall_ms);
std::string hex(std::string_view bytes);
// Nothing for text that is not pairs of hexadecimal digits.
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace godwit
