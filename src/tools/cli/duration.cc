#include "tools/cli/duration.h"

#include <array>
#include <charconv>
#include <utility>

namespace godwit::cli {
namespace {

struct Unit {
  char letter;
  std::uint32_t seconds;
  std::string_view name;
};

constexpr std::array<Unit, 5> kUnits = {{{'w', 604'800, "week"},
                                         {'d', 86'400, "day"},
                                         {'h', 3600, "hour"},
                                         {'m', 60, "minute"},
                                         {'s', 1, "second"}}};

}  // namespace

std::optional<std::uint32_t> parse_duration(std::string_view text) {
  if (text == "off") return 0;
  std::uint64_t factor = 1;
  if (!text.empty()) {
    for (const Unit& unit : kUnits) {
      if (text.back() != unit.letter) continue;
      factor = unit.seconds;
      text.remove_suffix(1);
      break;
    }
  }
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count * factor > UINT32_MAX)
    return std::nullopt;
  return static_cast<std::uint32_t>(count * factor);
}

std::string format_duration(std::uint64_t seconds) {
  for (const Unit& unit : kUnits) {
    if (seconds == 0 || seconds % unit.seconds != 0) continue;
    const std::uint64_t count = seconds / unit.seconds;
    return std::to_string(count) + " " + std::string(unit.name) + (count == 1 ? "" : "s");
  }
  return "0 seconds";
}

}  // namespace godwit::cli
