// Spans of time as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace godwit::cli {

// Seconds of "90", "90s", "15m", "12h", "7d", "2w" or "off" (0); nothing for anything else, or beyond 32
// bits.
std::optional<std::uint32_t> parse_duration(std::string_view text);

// "1 day", "90 minutes", "45 seconds": in the largest unit that leaves no rest.
std::string format_duration(std::uint64_t seconds);

}  // namespace godwit::cli
