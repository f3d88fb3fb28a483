#include "tools/cli/payload_crypto.h"

#include <sodium.h>

#include <algorithm>
#include <new>

namespace godwit::cli {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kPadBytes = 64;
constexpr unsigned long long kPasses = 3;
constexpr std::size_t kMemoryBytes = 64 << 20;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

void append_id(std::string& out, UserId user) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((user.value >> shift) & 0xFF));
}

std::string padded(std::string_view text) {
  std::string out(text);
  out.resize((text.size() / kPadBytes + 1) * kPadBytes);
  std::size_t length = 0;
  sodium_pad(&length, bytes_of(out), text.size(), kPadBytes, out.size());
  return out;
}

}  // namespace

std::size_t sealed_size(std::size_t text_bytes) {
  return 1 + kNonceBytes + (text_bytes / kPadBytes + 1) * kPadBytes + kTagBytes;
}

PairKey::PairKey(UserId a, UserId b) : low_(std::min(a, b)), high_(std::max(a, b)) {}

PairKey::PairKey(PairKey&& other) noexcept : low_(other.low_), high_(other.high_), key_(other.key_) {
  sodium_memzero(other.key_.data(), other.key_.size());
}

PairKey::~PairKey() {
  sodium_memzero(key_.data(), key_.size());
}

PairKey PairKey::derive(std::string_view passphrase, UserId a, UserId b) {
  PairKey pair(a, b);
  std::string context("godwit-cli/v1/pair");
  context.push_back('\0');
  append_id(context, pair.low_);
  append_id(context, pair.high_);
  std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  crypto_generichash(salt.data(), salt.size(), bytes_of(std::string_view(context)), context.size(), nullptr,
                     0);
  if (crypto_pwhash(pair.key_.data(), pair.key_.size(), passphrase.data(), passphrase.size(), salt.data(),
                    kPasses, kMemoryBytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    throw std::bad_alloc();
  }
  return pair;
}

std::string PairKey::associated_data(UserId sender, const MessageId& id) const {
  std::string aad("godwit-cli/v1/message");
  aad.push_back('\0');
  append_id(aad, sender);
  aad += id.view();
  append_id(aad, low_);
  append_id(aad, high_);
  return aad;
}

std::string PairKey::seal(std::string_view text, UserId sender, const MessageId& id) const {
  std::string plain = padded(text);
  const std::string aad = associated_data(sender, id);
  std::string payload(1 + kNonceBytes + plain.size() + kTagBytes, '\0');
  payload[0] = kVersion;
  unsigned char* nonce = bytes_of(payload) + 1;
  randombytes_buf(nonce, kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + kNonceBytes, nullptr, bytes_of(plain), plain.size(),
                                             bytes_of(std::string_view(aad)), aad.size(), nullptr, nonce,
                                             key_.data());
  sodium_memzero(plain.data(), plain.size());
  return payload;
}

std::optional<std::string> PairKey::open(std::string_view payload, UserId sender, const MessageId& id) const {
  if (payload.size() < 1 + kNonceBytes + kPadBytes + kTagBytes || payload[0] != kVersion) return std::nullopt;
  const unsigned char* nonce = bytes_of(payload) + 1;
  const std::size_t sealed = payload.size() - 1 - kNonceBytes;
  const std::string aad = associated_data(sender, id);
  std::string plain(sealed - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(plain), nullptr, nullptr, nonce + kNonceBytes,
                                                 sealed, bytes_of(std::string_view(aad)), aad.size(), nonce,
                                                 key_.data()) != 0) {
    return std::nullopt;
  }
  std::size_t length = 0;
  if (sodium_unpad(&length, bytes_of(std::string_view(plain)), plain.size(), kPadBytes) != 0)
    return std::nullopt;
  plain.resize(length);
  return plain;
}

}  // namespace godwit::cli
