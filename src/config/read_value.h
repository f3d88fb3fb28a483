// One option's value from outside, checked for its type.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "config/option.h"

namespace godwit::config {

// A value of the option's type, or the complaint, which follows the option's name in a fault.
struct Reading {
  std::optional<Value> value;
  std::string complaint;
};

Reading read_json(const Option& option, const nlohmann::json& json);
// From the environment or the command line: true and false, decimal numbers, strings as they are, lists
// comma-separated or as a JSON array.
Reading read_text(const Option& option, std::string_view text);

}  // namespace godwit::config
