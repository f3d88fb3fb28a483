#include "config/validate.h"

#include <algorithm>

#include "config/formats.h"
#include "config/json_text.h"
#include "config/option.h"

namespace godwit::config {
namespace {

// What is wrong with `text` as a string of `option`, or nothing. Shows no secret.
std::string check_string(const Option& option, const std::string& text) {
  if (text.size() > kMaxStringBytes) return "longer than " + std::to_string(kMaxStringBytes) + " bytes";
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(text.begin(), text.end(), control)) return "holds a control character";
  switch (option.format) {
    case StringFormat::text:
    case StringFormat::path:
      return "";
    case StringFormat::url:
      if (is_safe_url(text)) return "";
      return quote(text) + " is not a URL with https, or with http to loopback";
    case StringFormat::endpoint:
      if (parse_endpoint(text)) return "";
      return quote(text) + " is not an IP address and port, such as 127.0.0.1:8080 or [::1]:8080";
    case StringFormat::ice:
      if (parse_ice_server(text)) return "";
      return quote(text) + " is not a STUN or TURN URL, such as turn:turn.example.org:3478?transport=udp, alone or after "
             "a region of at most 32 characters and a space";
    case StringFormat::cidr:
      break;
  }
  if (is_network(text)) return "";
  return quote(text) + " is not a network, such as 10.0.0.0/8 or fd00::/8";
}

std::string check_integer(const Option& option, std::int64_t number) {
  const std::string unit = option.unit.empty() ? "" : " (" + std::string(option.unit) + ")";
  if (number < option.min) {
    return std::to_string(number) + " is below the minimum " + std::to_string(option.min) + unit;
  }
  if (number > option.max) {
    return std::to_string(number) + " is above the maximum " + std::to_string(option.max) + unit;
  }
  return "";
}

std::string check_list(const Option& option, const std::vector<std::string>& items) {
  const bool may_be_empty = std::get<std::vector<std::string>>(option.initial()).empty();
  if (items.empty() && !may_be_empty) return "may not be empty";
  if (items.size() > static_cast<std::size_t>(option.max)) {
    return std::to_string(items.size()) + " items are more than the maximum " + std::to_string(option.max);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::string complaint = check_string(option, items[i]);
    if (!complaint.empty()) return complaint;
    if (std::find(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(i), items[i]) !=
        items.begin() + static_cast<std::ptrdiff_t>(i)) {
      return quote(items[i]) + " stands there twice";
    }
  }
  return "";
}

std::string check_value(const Option& option, const Value& value) {
  switch (option.type) {
    case OptionType::boolean:
    case OptionType::enumeration:
      return "";
    case OptionType::integer:
      return check_integer(option, std::get<std::int64_t>(value));
    case OptionType::string: {
      const auto& text = std::get<std::string>(value);
      if (!text.empty()) return check_string(option, text);
      return std::get<std::string>(option.initial()).empty() ? "" : "may not be empty";
    }
    case OptionType::string_list:
      break;
  }
  return check_list(option, std::get<std::vector<std::string>>(value));
}

}  // namespace

std::vector<std::string> validate_except(const Config& config, std::set<std::string> faulty) {
  std::vector<std::string> faults;
  Config judged = config;
  for (const Option& option : options()) {
    const std::string complaint = check_value(option, option.get(config));
    if (complaint.empty()) continue;
    if (faulty.insert(option.key()).second) faults.push_back(option.key() + ": " + complaint);
    option.set(judged, option.initial());  // a number out of bounds could overflow below
  }
  for (const Contradiction& found : find_contradictions(judged)) {
    const bool known = std::any_of(found.keys.begin(), found.keys.end(),
                                   [&](const auto& key) { return faulty.contains(key); });
    if (!known) faults.push_back(found.sentence);
  }
  return faults;
}

}  // namespace godwit::config

namespace godwit {

std::vector<std::string> validate(const Config& config) {
  return config::validate_except(config, {});
}

}  // namespace godwit
