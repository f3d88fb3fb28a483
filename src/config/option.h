// The table of options that options.def declares, as data: for loading, checking and documenting them alike.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace godwit::config {

enum class OptionType : std::uint8_t { boolean, integer, string, enumeration, string_list };

// What a string, or each item of a list, must look like. See formats.h.
enum class StringFormat : std::uint8_t {
  text,      // printable
  path,      // a file or folder
  url,       // https, or http to loopback
  endpoint,  // IP address and port
  cidr,      // network of IP addresses
  ice,       // STUN or TURN server, after its region if it has one
};

enum class Reload : std::uint8_t { fixed, live };
enum class Secrecy : std::uint8_t { plain, secret };

// The value of an option of any type; an enumeration's is its word.
using Value = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

// Bytes in a string or in an item of a list.
inline constexpr std::size_t kMaxStringBytes = 4096;

struct Option {
  std::string_view section;
  std::string_view name;
  OptionType type;
  StringFormat format;
  std::int64_t min;  // of an integer
  std::int64_t max;  // of an integer; of a list, its items
  std::string_view unit;
  std::span<const std::string_view> words;  // of an enumeration
  Reload reload;
  Secrecy secrecy;
  std::string_view prose;
  Value (*get)(const Config&);
  // Precondition: `value` has the option's type, and is one of its words.
  void (*set)(Config&, const Value& value);

  std::string key() const;       // "section.name"
  std::string variable() const;  // "GODWIT_SECTION_NAME"
  Value initial() const { return get(Config{}); }
};

struct Section {
  std::string_view name;
  std::string_view prose;

  std::string variable_prefix() const;  // "GODWIT_SECTION_"
};

// In the order of options.def.
std::span<const Option> options();
std::span<const Section> sections();

// nullptr if there is none.
const Option* find_option(std::string_view section, std::string_view name);
const Section* find_section(std::string_view name);

// As a JSON literal, on one line.
std::string to_literal(const Value& value);
// For people: to_literal, or "***" for a secret that is set.
std::string show(const Option& option, const Value& value);

}  // namespace godwit::config
