// The command line of godwit-bench.
#pragma once

#include <optional>

#include "tools/bench/options.h"

namespace godwit::bench {

// Empty when there is nothing to run: help was asked for or the arguments are wrong. `exit_code` tells which,
// and the reason has been printed.
std::optional<Options> parse_command_line(int argc, char** argv, int& exit_code);

}  // namespace godwit::bench
