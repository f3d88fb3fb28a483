// JSON from strangers: one object, of bounded depth, in which no name occurs twice.
// Internal to auth/: it brings the JSON library with it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace godwit::auth {

// The object, or nothing. Objects and arrays may nest `max_depth` levels, the outermost counted; a repeated
// name is refused because two readers of one token may otherwise believe two different values
// (RFC 7515 section 4, RFC 7519 section 4). The caller bounds the size of `text`.
std::optional<nlohmann::json> parse_strict_object(std::string_view text, int max_depth);

// The string member `name`, or null when it is absent or of another type. Lives as long as `object`.
const std::string* string_member(const nlohmann::json& object, const char* name);

// An unsigned or negative integer member as int64, or nothing when absent, fractional or out of range.
std::optional<std::int64_t> integer_member(const nlohmann::json& object, const char* name);

}  // namespace godwit::auth
