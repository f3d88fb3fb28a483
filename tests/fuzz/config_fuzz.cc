// Arbitrary bytes as configuration file, environment and command line: whatever is accepted must be valid,
// and must survive being described.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Up to the first NUL an override, up to the second a variable, the rest the file.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto take = [&rest] {
    const std::size_t end = rest.find('\0');
    const std::string part(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return part;
  };
  const std::string override_text = take();
  const std::string variable = take();
  const std::size_t equals = variable.find('=');

  godwit::Environment environment;
  if (equals != std::string::npos) environment[variable.substr(0, equals)] = variable.substr(equals + 1);
  const auto result =
      godwit::load_text(rest, "fuzz", environment,
                        override_text.empty() ? std::vector<std::string>{} : std::vector{override_text});

  if (result.config.has_value() != result.faults.empty()) std::abort();
  if (!result.config) return 0;
  if (!godwit::validate(*result.config).empty()) std::abort();
  if (godwit::describe(*result.config).empty()) std::abort();
  const auto reload = godwit::plan_reload(*result.config, result);
  if (!reload.config || !reload.changed.empty()) std::abort();
  return 0;
}
