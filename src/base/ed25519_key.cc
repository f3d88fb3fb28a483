#include "base/ed25519_key.h"

#include <sodium.h>

#include <stdexcept>
#include <utility>

#include "base/random.h"

namespace godwit {
namespace {

static_assert(crypto_sign_PUBLICKEYBYTES == kEd25519KeyBytes);
static_assert(crypto_sign_SEEDBYTES == kEd25519SeedBytes);
static_assert(crypto_sign_BYTES == kEd25519SignatureBytes);
static_assert(crypto_sign_SECRETKEYBYTES == 64);

const unsigned char* bytes(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* bytes(std::string& s) {
  return reinterpret_cast<unsigned char*>(s.data());
}

}  // namespace

Ed25519Key Ed25519Key::generate() {
  init_crypto();
  Ed25519Key key;
  key.public_key.resize(kEd25519KeyBytes);
  crypto_sign_keypair(bytes(key.public_key), key.secret_.data());
  return key;
}

Ed25519Key Ed25519Key::from_seed(std::string_view seed) {
  if (seed.size() != kEd25519SeedBytes) throw std::invalid_argument("an Ed25519 seed has 32 bytes");
  init_crypto();
  Ed25519Key key;
  key.public_key.resize(kEd25519KeyBytes);
  crypto_sign_seed_keypair(bytes(key.public_key), key.secret_.data(), bytes(seed));
  return key;
}

Ed25519Key::Ed25519Key(Ed25519Key&& other) noexcept
    : public_key(std::move(other.public_key)), secret_(other.secret_) {
  sodium_memzero(other.secret_.data(), other.secret_.size());
}

Ed25519Key& Ed25519Key::operator=(Ed25519Key&& other) noexcept {
  if (this != &other) {
    public_key = std::move(other.public_key);
    secret_ = other.secret_;
    sodium_memzero(other.secret_.data(), other.secret_.size());
  }
  return *this;
}

Ed25519Key::~Ed25519Key() {
  sodium_memzero(secret_.data(), secret_.size());
}

std::string Ed25519Key::sign(std::string_view input) const {
  std::string signature(kEd25519SignatureBytes, '\0');
  crypto_sign_detached(bytes(signature), nullptr, bytes(input), input.size(), secret_.data());
  return signature;
}

std::string Ed25519Key::seed() const {
  std::string seed(kEd25519SeedBytes, '\0');
  crypto_sign_ed25519_sk_to_seed(bytes(seed), secret_.data());
  return seed;
}

bool verify_ed25519(std::string_view public_key, std::string_view input, std::string_view signature) {
  if (public_key.size() != kEd25519KeyBytes || signature.size() != kEd25519SignatureBytes) return false;
  return crypto_sign_verify_detached(bytes(signature), bytes(input), input.size(), bytes(public_key)) == 0;
}

}  // namespace godwit
