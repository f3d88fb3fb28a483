// An Ed25519 key pair (RFC 8032) whose secret half is wiped when it goes.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace godwit {

inline constexpr std::size_t kEd25519KeyBytes = 32;
inline constexpr std::size_t kEd25519SeedBytes = 32;
inline constexpr std::size_t kEd25519SignatureBytes = 64;

// Move-only, so that there is one copy of the secret; a moved-from key must not sign.
// Immutable afterwards: `sign` may be called from several threads.
class Ed25519Key {
 public:
  static Ed25519Key generate();
  // The key of RFC 8032 section 5.1.5. Throws std::invalid_argument unless `seed` has 32 bytes.
  static Ed25519Key from_seed(std::string_view seed);

  Ed25519Key(Ed25519Key&& other) noexcept;
  Ed25519Key& operator=(Ed25519Key&& other) noexcept;
  Ed25519Key(const Ed25519Key&) = delete;
  Ed25519Key& operator=(const Ed25519Key&) = delete;
  ~Ed25519Key();

  // 64 bytes.
  std::string sign(std::string_view input) const;
  // The 32 secret bytes to store; the caller keeps them safe and wipes them.
  std::string seed() const;

  // 32 bytes.
  std::string public_key;

 private:
  Ed25519Key() = default;

  std::array<unsigned char, 64> secret_{};  // seed and public key, as libsodium keeps them
};

// True when `signature` is the Ed25519 signature of `input` by `public_key`. Wrong lengths and keys of small
// order are refused.
bool verify_ed25519(std::string_view public_key, std::string_view input, std::string_view signature);

}  // namespace godwit
