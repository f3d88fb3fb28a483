// From file, environment and command line to a Config, gathering every fault on the way.
#include <nlohmann/json.hpp>
#include <set>

#include "config/config.h"
#include "config/json_text.h"
#include "config/option.h"
#include "config/read_value.h"
#include "config/suggest.h"
#include "config/validate.h"

namespace godwit {
namespace {

using config::find_option;
using config::find_section;
using config::Option;
using config::quote;
using config::Reading;

// More are counted, not listed: nobody reads them, and a hostile file could hold 100,000.
constexpr std::size_t kMaxFaults = 100;

class Loader {
 public:
  void read_file(const std::string& path) {
    if (const auto text = config::read_file(path, faults_)) read_file_text(*text, path);
  }

  void read_file_text(std::string_view text, const std::string& source) {
    const auto json = config::parse_json_text(text, source, faults_);
    if (!json) return;
    if (!json->is_object()) {
      faults_.push_back(source + ": expected an object of sections");
      return;
    }
    for (const auto& [name, section] : json->items()) {
      if (name == "$schema") continue;  // by which editors find the schema
      if (find_section(name) == nullptr) {
        faults_.push_back(source + ": unknown section " + quote(name) + config::suggest_section(name));
      } else if (!section.is_object()) {
        faults_.push_back(source + ": " + name + ": expected an object of options");
      } else {
        read_section(name, section, source);
      }
    }
  }

  void read_environment(const Environment& environment) {
    for (const auto& [variable, text] : environment) {
      const Option* option = find_option_of(variable);
      if (option != nullptr) {
        assign(*option, config::read_text(*option, text), variable);
      } else if (looks_like_an_option(variable)) {
        faults_.push_back(variable + ": there is no such option" + suggest_variable(variable));
      }
    }
  }

  void read_override(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view key = text.substr(0, equals);
    const std::size_t dot = key.find('.');
    if (equals == std::string_view::npos || dot == std::string_view::npos) {
      // Up to where a name ends, as the rest may be a secret.
      const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.");
      faults_.push_back("--set " + quote(text.substr(0, end)) + ": expected section.name=value");
      return;
    }
    const std::string_view section = key.substr(0, dot);
    const std::string_view name = key.substr(dot + 1);
    if (const Option* option = find_option(section, name)) {
      assign(*option, config::read_text(*option, text.substr(equals + 1)), "--set " + option->key());
    } else {
      faults_.push_back("--set " + quote(key) + ": there is no such option" +
                        (find_section(section) != nullptr ? config::suggest_option(section, name)
                                                          : config::suggest_section(section)));
    }
  }

  LoadResult finish() && {
    for (std::string& fault : config::validate_except(config_, faulty_)) faults_.push_back(std::move(fault));
    if (faults_.empty()) return {std::move(config_), {}};
    if (faults_.size() > kMaxFaults) {
      const std::size_t more = faults_.size() - kMaxFaults;
      faults_.resize(kMaxFaults);
      faults_.push_back("and " + std::to_string(more) + " more");
    }
    return {std::nullopt, std::move(faults_)};
  }

 private:
  void read_section(const std::string& section, const nlohmann::json& options, const std::string& source) {
    for (const auto& [name, json] : options.items()) {
      if (const Option* option = find_option(section, name)) {
        assign(*option, config::read_json(*option, json), source + ": " + option->key());
      } else {
        faults_.push_back(source + ": unknown option " + quote(section + "." + name) +
                          config::suggest_option(section, name));
      }
    }
  }

  void assign(const Option& option, const Reading& reading, const std::string& where) {
    if (reading.value) {
      option.set(config_, *reading.value);
    } else {
      faults_.push_back(where + ": " + reading.complaint);
      faulty_.insert(option.key());
    }
  }

  static const Option* find_option_of(const std::string& variable) {
    for (const Option& option : config::options()) {
      if (option.variable() == variable) return &option;
    }
    return nullptr;
  }

  // Whether a variable GODWIT_... is meant for us: it names a section. Orchestrators set others on their own,
  // such as GODWIT_SERVER_SERVICE_HOST and GODWIT_SERVER_PORT_80_TCP_ADDR for a service called godwit-server.
  static bool looks_like_an_option(const std::string& variable) {
    for (const std::string_view part : {"_SERVICE_HOST", "_SERVICE_PORT", "_PORT"}) {
      const std::size_t at = variable.find(part);
      if (at == std::string::npos) continue;
      const std::size_t end = at + part.size();
      if (end == variable.size() || variable[end] == '_') return false;
    }
    return names_a_section(variable);
  }

  static bool names_a_section(const std::string& variable) {
    for (const config::Section& section : config::sections()) {
      if (variable.starts_with(section.variable_prefix())) return true;
    }
    return false;
  }

  static std::string suggest_variable(const std::string& variable) {
    std::vector<std::string> names;
    for (const Option& option : config::options()) names.push_back(option.variable());
    const auto found = config::nearest(variable, names);
    return found ? " (did you mean " + *found + "?)" : "";
  }

  Config config_;
  std::vector<std::string> faults_;
  std::set<std::string> faulty_;  // options that keep their default because what was read is no value
};

LoadResult finish(Loader loader, const Environment& environment, const std::vector<std::string>& overrides) {
  loader.read_environment(environment);
  for (const std::string& text : overrides) loader.read_override(text);
  return std::move(loader).finish();
}

}  // namespace

LoadResult load(const std::string& path, const Environment& environment,
                const std::vector<std::string>& overrides) {
  Loader loader;
  if (!path.empty()) loader.read_file(path);
  return finish(std::move(loader), environment, overrides);
}

LoadResult load_text(std::string_view text, const std::string& source, const Environment& environment,
                     const std::vector<std::string>& overrides) {
  Loader loader;
  loader.read_file_text(text, source);
  return finish(std::move(loader), environment, overrides);
}

Environment environment_variables(char** environ) {
  Environment variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with("GODWIT_") || equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace godwit
