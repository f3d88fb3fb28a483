#include "tools/cli/format.h"

#include <charconv>
#include <ctime>

#include "base/random.h"

namespace godwit::cli {
namespace {

constexpr std::string_view kIdPrefix = "id:";

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::tm local_time(std::int64_t wall_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm out{};
  localtime_r(&seconds, &out);
  return out;
}

}  // namespace

std::string format_uuid(const MessageId& id) {
  std::string text = hex(id.view());
  for (const std::size_t dash : {8, 13, 18, 23}) text.insert(dash, 1, '-');
  return text;
}

std::optional<MessageId> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  MessageId id;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const auto digit = hex_digit(text[i]);
    if (!digit) return std::nullopt;
    std::uint8_t& byte = id.bytes[digits / 2];
    byte = static_cast<std::uint8_t>((byte << 4) | *digit);
    ++digits;
  }
  if (!id.is_uuid_v7()) return std::nullopt;
  return id;
}

std::string format_user_id(UserId user) {
  return std::string(kIdPrefix) + std::to_string(user.value);
}

std::optional<UserId> parse_user_id(std::string_view text) {
  if (!text.starts_with(kIdPrefix)) return std::nullopt;
  text.remove_prefix(kIdPrefix.size());
  UserId user;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), user.value);
  if (error != std::errc{} || end != text.data() + text.size() || !user) return std::nullopt;
  return user;
}

std::optional<std::string> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = hex_digit(text[i]);
    const auto low = hex_digit(text[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<char>((*high << 4) | *low));
  }
  return bytes;
}

std::string format_time(std::int64_t wall_ms, std::int64_t now_ms) {
  const std::tm then = local_time(wall_ms);
  const std::tm now = local_time(now_ms);
  const bool today = then.tm_year == now.tm_year && then.tm_yday == now.tm_yday;
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, today ? "%H:%M" : "%Y-%m-%d %H:%M", &then);
  return {text, length};
}

}  // namespace godwit::cli
