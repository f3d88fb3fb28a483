// A configuration file as JSON: bounded, with comments, each key once.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::config {

// Objects and arrays inside one another; the deepest that the options need is 3.
inline constexpr std::size_t kMaxDepth = 8;

// Nothing and a fault if there is no such file, or it cannot be read, or it is larger than kMaxConfigBytes.
std::optional<std::string> read_file(const std::string& path, std::vector<std::string>& faults);

// Nothing if `text` is not JSON. A key that appears twice is a fault and does not stop the parse. Faults
// begin with `source`; what is quoted of the text is keys, never values, which may be secrets.
std::optional<nlohmann::json> parse_json_text(std::string_view text, const std::string& source,
                                              std::vector<std::string>& faults);

// `text` in quotes, escaped and cut, as it came from outside.
std::string quote(std::string_view text);

}  // namespace godwit::config
