#include "config/option.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace godwit::config {
namespace {

// The words of an enumeration, by value.
template <class E>
struct Words;
template <>
struct Words<Registration> {
  static constexpr std::array<std::string_view, 4> kAll = {"open", "invite", "verified", "closed"};
};
template <>
struct Words<LogLevel> {
  static constexpr std::array<std::string_view, 4> kAll = {"debug", "info", "warning", "error"};
};
template <>
struct Words<LogFormat> {
  static constexpr std::array<std::string_view, 3> kAll = {"auto", "json", "text"};
};

template <class T>
Value to_value(const T& field) {
  if constexpr (std::is_enum_v<T>) {
    return std::string(Words<T>::kAll[static_cast<std::size_t>(field)]);
  } else {
    return field;
  }
}

template <class T>
void from_value(const Value& value, T& field) {
  if constexpr (std::is_enum_v<T>) {
    const auto& words = Words<T>::kAll;
    const auto word = std::find(words.begin(), words.end(), std::get<std::string>(value));
    field = static_cast<T>(word - words.begin());
  } else {
    field = std::get<T>(value);
  }
}

#define GODWIT_ACCESS(section, name)                                 \
  [](const Config& c) -> Value { return to_value(c.section.name); }, \
      [](Config& c, const Value& v) { from_value(v, c.section.name); }

constexpr Option kOptions[] = {
#define GODWIT_BOOL(section, name, initial, reload, prose)             \
  {#section, #name, OptionType::boolean, StringFormat::text, 0,     0, \
   "",       {},    Reload::reload,      Secrecy::plain,     prose, GODWIT_ACCESS(section, name)},
#define GODWIT_INT(section, name, initial, min, max, unit, reload, prose) \
  {#section, #name, OptionType::integer, StringFormat::text, min,   max,  \
   unit,     {},    Reload::reload,      Secrecy::plain,     prose, GODWIT_ACCESS(section, name)},
#define GODWIT_STRING(section, name, initial, format, reload, secrecy, prose) \
  {#section, #name, OptionType::string, StringFormat::format, 0,     0,       \
   "",       {},    Reload::reload,     Secrecy::secrecy,     prose, GODWIT_ACCESS(section, name)},
#define GODWIT_ENUM(section, name, Type, initial, reload, prose) \
  {#section,                                                     \
   #name,                                                        \
   OptionType::enumeration,                                      \
   StringFormat::text,                                           \
   0,                                                            \
   0,                                                            \
   "",                                                           \
   Words<Type>::kAll,                                            \
   Reload::reload,                                               \
   Secrecy::plain,                                               \
   prose,                                                        \
   GODWIT_ACCESS(section, name)},
#define GODWIT_LIST(section, name, initial, max_items, format, reload, prose)        \
  {#section, #name, OptionType::string_list, StringFormat::format, 0,     max_items, \
   "",       {},    Reload::reload,          Secrecy::plain,       prose, GODWIT_ACCESS(section, name)},
#include "config/options.def"
};
#undef GODWIT_ACCESS

constexpr Section kSections[] = {
#define GODWIT_SECTION(Struct, section, prose) {#section, prose},
#include "config/options.def"
};

std::string upper(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

}  // namespace

std::string Option::key() const {
  return std::string(section) + "." + std::string(name);
}

std::string Option::variable() const {
  return Section{section, ""}.variable_prefix() + upper(name);
}

std::string Section::variable_prefix() const {
  return "GODWIT_" + upper(name) + "_";
}

std::span<const Option> options() {
  return kOptions;
}

std::span<const Section> sections() {
  return kSections;
}

const Option* find_option(std::string_view section, std::string_view name) {
  for (const Option& option : kOptions) {
    if (option.section == section && option.name == name) return &option;
  }
  return nullptr;
}

const Section* find_section(std::string_view name) {
  for (const Section& section : kSections) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

std::string to_literal(const Value& value) {
  const auto replace = nlohmann::json::error_handler_t::replace;  // a fault may hold bytes that are not UTF-8
  return std::visit([](const auto& v) { return nlohmann::json(v).dump(-1, ' ', false, replace); }, value);
}

std::string show(const Option& option, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (option.secrecy == Secrecy::secret && text != nullptr && !text->empty()) return "\"***\"";
  return to_literal(value);
}

}  // namespace godwit::config
