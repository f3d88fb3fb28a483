// The key that signs heads of the key log. Clients keep its public half for ever, so it is made once.
#pragma once

#include <string>
#include <string_view>

#include "base/ed25519_key.h"

namespace godwit {

// Reads the key from a file that only its owner may read: "godwit-log-key-1 ", 64 hexadecimal digits of the seed, and
// the end of the line. A missing file is made; where the log has `entries`, clients will refuse the new key, and a
// warning says so. Throws std::runtime_error with a sentence for the operator.
Ed25519Key load_log_key(const std::string& path, std::uint64_t entries);

// What is signed of a head: docs/protocol/keys.md.
std::string head_bytes(std::uint64_t size, std::string_view root, std::int64_t time_ms);

}  // namespace godwit
