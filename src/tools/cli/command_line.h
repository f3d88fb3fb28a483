// The command line of godwit-cli.
#pragma once

namespace godwit::cli {

// Parses, runs one command, and returns the exit code. Errors are told on stderr: the name, then the text.
int run_command_line(int argc, char** argv);

}  // namespace godwit::cli
