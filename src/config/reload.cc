// What a running server may do with a configuration read again; and how it shows the one it has.
#include "config/config.h"
#include "config/option.h"

namespace godwit {

using config::Option;

ReloadResult plan_reload(const Config& running, const LoadResult& fresh) {
  ReloadResult result;
  if (!fresh.config) {
    result.faults = fresh.faults;
    return result;
  }
  for (const Option& option : config::options()) {
    const config::Value before = option.get(running);
    const config::Value after = option.get(*fresh.config);
    if (before == after) continue;
    result.changed.push_back(option.key());
    if (option.reload == config::Reload::fixed) {
      result.faults.push_back(option.key() + ": changed from " + config::show(option, before) + " to " +
                              config::show(option, after) + ", which needs a restart");
    }
  }
  if (result.faults.empty()) result.config = fresh.config;
  return result;
}

std::string describe(const Config& config) {
  std::string text;
  for (const Option& option : config::options()) {
    text += option.key() + " = " + config::show(option, option.get(config)) + "\n";
  }
  return text;
}

}  // namespace godwit
