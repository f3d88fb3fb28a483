// godwit_config_gen SOURCE_ROOT: writes what is generated from the table of options.
#include <cstdio>
#include <fstream>
#include <string>

#include "config/generate.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: godwit_config_gen SOURCE_ROOT\n");
    return 2;
  }
  for (const auto& generated : godwit::config::generated_files()) {
    const std::string path = std::string(argv[1]) + "/" + std::string(generated.path);
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << generated.render();
    file.close();
    if (!file) {
      std::fprintf(stderr, "%s: cannot be written\n", path.c_str());
      return 1;
    }
    std::printf("%s\n", path.c_str());
  }
  return 0;
}
