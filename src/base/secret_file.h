// A small file that only its owner may read, replaced as a whole or not at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "godwit/result.h"

namespace godwit {

inline constexpr std::size_t kMaxSecretFileBytes = std::size_t{64} * 1024;

struct SecretFile {
  bool exists = false;
  bool was_open_to_others = false;  // the mode had to be tightened: the secret may be known to others
  std::string content;              // the caller wipes it
};

// Reads `path` and tightens its mode to 0600 if group or others had any right. A missing file is no error.
// Errors: internal with the reason when it cannot be read or tightened, is no regular file, or is too large.
Result<SecretFile> read_secret_file(const std::string& path);

// Writes a temporary file beside `path` (mode 0600), syncs it, renames it over `path` and syncs the
// directory: after a crash the file is the old one or the new one. One writer at a time.
Status write_secret_file(const std::string& path, std::string_view content);

}  // namespace godwit
