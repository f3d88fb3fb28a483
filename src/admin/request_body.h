// Fields of the JSON bodies that operators send.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "godwit/ids.h"

namespace godwit::admin {

// A user id in decimal digits; nothing when the field is missing or something else.
std::optional<UserId> user_of(const nlohmann::json& body, const char* name);

}  // namespace godwit::admin
