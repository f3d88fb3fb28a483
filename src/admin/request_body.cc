#include "admin/request_body.h"

#include <charconv>
#include <string>

namespace godwit::admin {

std::optional<UserId> user_of(const nlohmann::json& body, const char* name) {
  if (!body.contains(name) || !body[name].is_string()) return std::nullopt;
  const std::string text = body[name].get<std::string>();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) return std::nullopt;
  return UserId(value);
}

}  // namespace godwit::admin
