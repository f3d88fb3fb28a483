// godwit: the daemon.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "server/server.h"

namespace {

constexpr std::string_view kUsage =
    "usage: godwit [--config FILE] [--set section.name=value]... [--check-config] [--print-config] [--version]\n"
    "Every option is in docs/config.md; environment variables GODWIT_SECTION_NAME override the file, --set both.\n";

struct Arguments {
  std::string config;
  std::vector<std::string> overrides;
  bool check = false;
  bool print = false;
};

// False when the arguments are not understood.
bool parse(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--config" && has_value) {
      out.config = argv[++i];
    } else if (word == "--set" && has_value) {
      out.overrides.emplace_back(argv[++i]);
    } else if (word == "--check-config") {
      out.check = true;
    } else if (word == "--print-config") {
      out.print = true;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    std::puts("godwit " GODWIT_VERSION);
    return 0;
  }
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fputs(kUsage.data(), stderr);
    return 64;
  }
  const auto reread = [&arguments] {
    return godwit::load(arguments.config, godwit::environment_variables(environ), arguments.overrides);
  };
  const godwit::LoadResult loaded = reread();
  for (const std::string& fault : loaded.faults) std::fprintf(stderr, "godwit: %s\n", fault.c_str());
  if (!loaded.config) return 78;
  if (arguments.print) std::fputs(godwit::describe(*loaded.config).c_str(), stdout);
  if (arguments.check) std::puts("the configuration is valid");
  if (arguments.print || arguments.check) return 0;
  godwit::init_logging(loaded.config->log.level, loaded.config->log.format);
  try {
    godwit::Server server(*loaded.config, reread);
    server.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "godwit: %s\n", error.what());
    return 1;
  }
  return 0;
}
