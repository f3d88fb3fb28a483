// HMAC-SHA256 (RFC 2104, FIPS 180-4).
#pragma once

#include <string>
#include <string_view>

namespace godwit {

// 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace godwit
