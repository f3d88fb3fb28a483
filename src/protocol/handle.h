// Handles: what people call a user by.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace godwit {

// The canonical form of a handle: a user name in lower case ([a-z0-9] then [a-z0-9._-], 3 to 32 characters)
// or an E.164 number ("+" and 7 to 15 digits, the first not 0). Nothing for anything else.
std::optional<std::string> canonical_handle(std::string_view text);

}  // namespace godwit
