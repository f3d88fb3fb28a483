// The server's configuration: one struct a section, loaded from a JSON file with comments, the environment
// and the command line. The options, their defaults, bounds and meaning are declared in options.def and
// listed in docs/config.md. Read by server/ and main alone; every other module takes its own small options.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace godwit {

// Who may register an account.
enum class Registration : std::uint8_t { open, invite, verified, closed };

#define GODWIT_ITEMS(...) \
  { __VA_ARGS__ }
#define GODWIT_SECTION(Struct, section, prose) struct Struct {
#define GODWIT_BOOL(section, name, initial, reload, prose) bool name = initial;
#define GODWIT_INT(section, name, initial, min, max, unit, reload, prose) std::int64_t name = initial;
#define GODWIT_STRING(section, name, initial, format, reload, secrecy, prose) std::string name = initial;
#define GODWIT_ENUM(section, name, Type, initial, reload, prose) Type name = Type::initial;
#define GODWIT_LIST(section, name, initial, max_items, format, reload, prose) \
  std::vector<std::string> name = initial;
#define GODWIT_SECTION_END \
  }                        \
  ;
#include "config/options.def"
#undef GODWIT_ITEMS

struct Config {
#define GODWIT_SECTION(Struct, section, prose) Struct section;
#include "config/options.def"
};

// Variables of the environment by name.
using Environment = std::map<std::string, std::string>;

// The configuration, or every fault there is in it. Faults are sentences for the operator; none holds a
// secret.
struct LoadResult {
  std::optional<Config> config;
  std::vector<std::string> faults;
};

// A configuration file may not be larger than this.
inline constexpr std::size_t kMaxConfigBytes = 1 << 20;

// Defaults, then the file at `path` (none if empty), then variables GODWIT_SECTION_NAME of `environment`,
// then `overrides` of the form "section.name=value". The later wins. A list is written comma-separated or as
// a JSON array there. Never throws for what the inputs hold.
LoadResult load(const std::string& path, const Environment& environment,
                const std::vector<std::string>& overrides);
// The same with the text of a file; `source` names it in faults.
LoadResult load_text(std::string_view text, const std::string& source, const Environment& environment,
                     const std::vector<std::string>& overrides);

// The variables of `environ` (environ(7)) that begin with GODWIT_.
Environment environment_variables(char** environ);

// Values out of bounds or malformed, and combinations that make no sense.
std::vector<std::string> validate(const Config& config);

// One line an option, "section.name = value"; a secret that is set shows as "***".
std::string describe(const Config& config);

// What reloading would do: the configuration to apply and the names of the options that differ, or why not.
struct ReloadResult {
  std::optional<Config> config;
  std::vector<std::string> changed;
  std::vector<std::string> faults;
};

// All or nothing: a fault in `fresh`, or a change of an option that needs a restart, refuses the whole.
ReloadResult plan_reload(const Config& running, const LoadResult& fresh);

}  // namespace godwit
