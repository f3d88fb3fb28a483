// Where the passphrase comes from.
#pragma once

#include <optional>
#include <string>

namespace godwit::cli {

// From `file` when it is not empty, else from the environment variable GODWIT_PASSPHRASE, else asked on the
// terminal without echo (when `ask` is set and there is a terminal). Nothing when there is none to be had.
// One newline at the end of the file is not part of it. Throws std::runtime_error for an unreadable or empty
// file.
std::optional<std::string> find_passphrase(const std::string& file, bool ask);

}  // namespace godwit::cli
