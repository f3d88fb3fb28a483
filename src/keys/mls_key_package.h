// Reads MLS key packages (RFC 9420, section 10) of cipher suite 1, as far as the server must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "godwit/result.h"

namespace godwit {

inline constexpr std::size_t kMaxKeyPackageBytes = 4096;
inline constexpr std::uint16_t kLastResortExtension = 10;

// What a key package says. All views are into the bytes that it was read from.
struct MlsKeyPackage {
  std::string_view init_key;        // X25519, 32 bytes
  std::string_view encryption_key;  // X25519, 32 bytes
  std::string_view signature_key;   // Ed25519, 32 bytes
  std::string_view identity;        // of the basic credential
  std::uint64_t not_before_s = 0;   // Unix time
  std::uint64_t not_after_s = 0;
  bool last_resort = false;
  // What is signed, and by which signature of 64 bytes.
  std::string_view leaf_tbs;
  std::string_view leaf_signature;
  std::string_view package_tbs;
  std::string_view signature;
};

// Every byte is accounted for; lengths are minimal. key_invalid with what is wrong. Pure; checks no signature.
Result<MlsKeyPackage> parse_key_package(std::string_view bytes);

// Whether both signatures are by the package's signature key. About 100 microseconds.
bool verify_key_package(const MlsKeyPackage& package);

}  // namespace godwit
