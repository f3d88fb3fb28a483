#include "config/read_value.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "config/json_text.h"
#include "config/suggest.h"

namespace godwit::config {
namespace {

std::string_view expected(OptionType type) {
  switch (type) {
    case OptionType::boolean:
      return "true or false";
    case OptionType::integer:
      return "a whole number";
    case OptionType::string:
      return "a string";
    case OptionType::enumeration:
      return "one of its words, a string";
    case OptionType::string_list:
      break;
  }
  return "a list of strings";
}

Reading complain(const Option& option, const std::string& got) {
  return {std::nullopt, "expected " + std::string(expected(option.type)) + ", got " + got};
}

// What `json` is, in words. Numbers and words of the language are shown, strings are not.
std::string name_of(const nlohmann::json& json) {
  if (json.is_number() || json.is_boolean() || json.is_null()) return json.dump();
  return json.is_string() ? "a string" : json.is_array() ? "a list" : "an object";
}

Reading read_word(const Option& option, const std::string& word) {
  if (std::find(option.words.begin(), option.words.end(), word) != option.words.end()) return {word, ""};
  std::string all;
  std::vector<std::string> words;
  for (const std::string_view known : option.words) {
    all += (all.empty() ? "" : ", ") + std::string(known);
    words.emplace_back(known);
  }
  std::string complaint = quote(word) + " is not one of " + all;
  if (const auto near = nearest(word, words)) complaint += " (did you mean " + *near + "?)";
  return {std::nullopt, complaint};
}

Reading read_integer(const Option& option, const nlohmann::json& json) {
  if (!json.is_number_integer()) return complain(option, name_of(json));
  const bool too_large = json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX;
  if (too_large) return {std::nullopt, json.dump() + " is above the maximum " + std::to_string(option.max)};
  return {json.get<std::int64_t>(), ""};
}

Reading read_list(const Option& option, const nlohmann::json& json) {
  if (!json.is_array()) return complain(option, name_of(json));
  std::vector<std::string> items;
  for (const auto& item : json) {
    if (!item.is_string()) return complain(option, "a list with " + name_of(item));
    items.push_back(item.get<std::string>());
  }
  return {std::move(items), ""};
}

// "a, b" as ["a", "b"]; nothing but blanks is the empty list.
std::vector<std::string> split(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  std::vector<std::string> items;
  if (text.find_first_not_of(kBlank) == std::string_view::npos) return items;
  for (;;) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const std::size_t first = std::min(item.find_first_not_of(kBlank), item.size());
    const std::size_t last = item.find_last_not_of(kBlank) + 1;  // npos + 1 is 0
    items.emplace_back(item.substr(first, last > first ? last - first : 0));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

Reading read_json(const Option& option, const nlohmann::json& json) {
  switch (option.type) {
    case OptionType::boolean:
      return json.is_boolean() ? Reading{json.get<bool>(), ""} : complain(option, name_of(json));
    case OptionType::integer:
      return read_integer(option, json);
    case OptionType::string:
      return json.is_string() ? Reading{json.get<std::string>(), ""} : complain(option, name_of(json));
    case OptionType::enumeration:
      return json.is_string() ? read_word(option, json.get<std::string>()) : complain(option, name_of(json));
    case OptionType::string_list:
      break;
  }
  return read_list(option, json);
}

Reading read_text(const Option& option, std::string_view text) {
  switch (option.type) {
    case OptionType::boolean:
      if (text == "true" || text == "false") return {text == "true", ""};
      return complain(option, quote(text));
    case OptionType::integer: {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size()) return complain(option, quote(text));
      return {number, ""};
    }
    case OptionType::string:
      return {std::string(text), ""};
    case OptionType::enumeration:
      return read_word(option, std::string(text));
    case OptionType::string_list:
      break;
  }
  if (!text.starts_with('[')) return {split(text), ""};
  const auto json = nlohmann::json::parse(text, nullptr, false);
  return json.is_discarded() ? complain(option, "what is neither comma-separated nor a JSON array")
                             : read_list(option, json);
}

}  // namespace godwit::config
