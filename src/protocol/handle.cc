#include "protocol/handle.h"

#include <algorithm>

namespace godwit {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c);
}

bool is_name_part(char c) {
  return is_name_start(c) || c == '.' || c == '_' || c == '-';
}

bool is_e164(std::string_view text) {
  return text.size() >= 8 && text.size() <= 16 && text[0] == '+' && text[1] != '0' &&
         std::all_of(text.begin() + 1, text.end(), is_digit);
}

}  // namespace

std::optional<std::string> canonical_handle(std::string_view text) {
  if (!text.empty() && text[0] == '+') {
    if (!is_e164(text)) return std::nullopt;
    return std::string(text);
  }
  if (text.size() < 3 || text.size() > 32) return std::nullopt;
  std::string name(text);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (!is_name_start(name[0]) || !std::all_of(name.begin(), name.end(), is_name_part)) return std::nullopt;
  return name;
}

}  // namespace godwit
