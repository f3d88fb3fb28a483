// Encodes MLS key packages as a device does, with libsodium.
#pragma once

#include <sodium.h>

#include <string>
#include <string_view>

#include "base/ed25519_key.h"
#include "base/random.h"

namespace godwit {

inline std::string be(std::uint64_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

// opaque<V> of RFC 9420, section 2.1.2.
inline std::string opaque(std::string_view bytes) {
  const std::size_t size = bytes.size();
  return (size < 64 ? be(size, 1) : be(0x4000 | size, 2)) + std::string(bytes);
}

inline std::string fresh_x25519() {
  const std::string secret = random_bytes(32);
  std::string key(32, '\0');
  crypto_scalarmult_base(reinterpret_cast<unsigned char*>(key.data()),
                         reinterpret_cast<const unsigned char*>(secret.data()));
  return key;
}

struct KeyPackageParts {
  std::string identity;
  std::uint64_t not_before_s = 0;
  std::uint64_t not_after_s = 0;
  bool last_resort = false;
  std::string init_key = fresh_x25519();
  std::string encryption_key = fresh_x25519();
  std::string capabilities = opaque(be(1, 2)) + opaque(be(1, 2)) + opaque("") + opaque("") + opaque(be(1, 2));
  std::string extensions;  // beside last_resort
};

inline std::string make_key_package(const Ed25519Key& key, const KeyPackageParts& parts) {
  const auto sign = [&](std::string_view label, const std::string& content) {
    return opaque(key.sign(opaque("MLS 1.0 " + std::string(label)) + opaque(content)));
  };
  std::string leaf = opaque(parts.encryption_key) + opaque(key.public_key) + be(1, 2) + opaque(parts.identity) +
                     parts.capabilities + be(1, 1) + be(parts.not_before_s, 8) + be(parts.not_after_s, 8) + opaque("");
  leaf += sign("LeafNodeTBS", leaf);
  const std::string last_resort = parts.last_resort ? be(10, 2) + opaque("") : "";
  const std::string package = be(1, 2) + be(1, 2) + opaque(parts.init_key) + leaf + opaque(last_resort + parts.extensions);
  return package + sign("KeyPackageTBS", package);
}

}  // namespace godwit
