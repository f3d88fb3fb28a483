// godwit-cli: a terminal client, interactive and for scripts.
#include <cstdio>
#include <exception>

#include "base/random.h"
#include "tools/cli/command_line.h"

int main(int argc, char** argv) {
  try {
    godwit::init_crypto();
    return godwit::cli::run_command_line(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "godwit-cli: %s\n", e.what());
    return 1;
  }
}
