// Base64url without padding (RFC 4648 section 5, as RFC 7515 section 2 uses it).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace godwit::auth {

std::string base64url_encode(std::string_view bytes);

// The bytes, or nothing when `text` is not the one canonical encoding of some bytes: padding, white space,
// the plain base64 alphabet, an impossible length and stray bits in the last character are all refused, so
// that one signature has one spelling.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace godwit::auth
