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
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == SecretKey::size());

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

// A name and the zero byte behind it.
std::string labelled(std::string_view label) {
  std::string out(label);
  out.push_back('\0');
  return out;
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

void derive_slowly(SecretKey& out, std::string_view passphrase, std::string_view context) {
  std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  crypto_generichash(salt.data(), salt.size(), bytes_of(context), context.size(), nullptr, 0);
  if (crypto_pwhash(out.data(), SecretKey::size(), passphrase.data(), passphrase.size(), salt.data(), kPasses,
                    kMemoryBytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    throw std::bad_alloc();
  }
}

void derive(SecretKey& out, const SecretKey& from, std::string_view context) {
  crypto_generichash(out.data(), SecretKey::size(), bytes_of(context), context.size(), from.data(),
                     SecretKey::size());
}

std::string seal_under(const SecretKey& key, std::string_view text, std::string_view aad) {
  std::string plain = padded(text);
  std::string sealed(1 + kNonceBytes + plain.size() + kTagBytes, '\0');
  sealed[0] = kVersion;
  unsigned char* nonce = bytes_of(sealed) + 1;
  randombytes_buf(nonce, kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + kNonceBytes, nullptr, bytes_of(plain), plain.size(),
                                             bytes_of(aad), aad.size(), nullptr, nonce, key.data());
  sodium_memzero(plain.data(), plain.size());
  return sealed;
}

std::optional<std::string> open_under(const SecretKey& key, std::string_view sealed, std::string_view aad) {
  if (sealed.size() < 1 + kNonceBytes + kPadBytes + kTagBytes || sealed[0] != kVersion) return std::nullopt;
  const unsigned char* nonce = bytes_of(sealed) + 1;
  const std::size_t size = sealed.size() - 1 - kNonceBytes;
  std::string plain(size - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(plain), nullptr, nullptr, nonce + kNonceBytes, size,
                                                 bytes_of(aad), aad.size(), nonce, key.data()) != 0) {
    return std::nullopt;
  }
  std::size_t length = 0;
  if (sodium_unpad(&length, bytes_of(std::string_view(plain)), plain.size(), kPadBytes) != 0)
    return std::nullopt;
  plain.resize(length);
  return plain;
}

const std::string kNameContext = labelled("godwit-cli/v1/group-name");

}  // namespace

std::size_t sealed_size(std::size_t text_bytes) {
  return 1 + kNonceBytes + (text_bytes / kPadBytes + 1) * kPadBytes + kTagBytes;
}

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) {
  sodium_memzero(other.bytes_.data(), other.bytes_.size());
}

SecretKey::~SecretKey() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

ChatKey ChatKey::of_pair(std::string_view passphrase, UserId a, UserId b) {
  std::string scope;
  append_id(scope, std::min(a, b));
  append_id(scope, std::max(a, b));
  ChatKey key(scope);
  derive_slowly(key.key_, passphrase, labelled("godwit-cli/v1/pair") + scope);
  return key;
}

std::string ChatKey::associated_data(UserId sender, const MessageId& id) const {
  std::string aad = labelled("godwit-cli/v1/message");
  append_id(aad, sender);
  aad += id.view();
  aad += scope_;
  return aad;
}

std::string ChatKey::seal(std::string_view text, UserId sender, const MessageId& id) const {
  return seal_under(key_, text, associated_data(sender, id));
}

std::optional<std::string> ChatKey::open(std::string_view payload, UserId sender, const MessageId& id) const {
  return open_under(key_, payload, associated_data(sender, id));
}

std::string ChatKey::reply_data(UserId sender, const MessageId& id, const MessageId& status) const {
  std::string aad = labelled("godwit-cli/v1/status-reply");
  append_id(aad, sender);
  aad += id.view();
  aad += status.view();
  aad += scope_;
  return aad;
}

std::string ChatKey::seal_reply(std::string_view text, UserId sender, const MessageId& id,
                                const MessageId& status) const {
  return seal_under(key_, text, reply_data(sender, id, status));
}

std::optional<std::string> ChatKey::open_reply(std::string_view payload, UserId sender, const MessageId& id,
                                               const MessageId& status) const {
  return open_under(key_, payload, reply_data(sender, id, status));
}

GroupSecret GroupSecret::derive(std::string_view passphrase) {
  GroupSecret secret;
  derive_slowly(secret.secret_, passphrase, labelled("godwit-cli/v1/groups"));
  cli::derive(secret.name_key_, secret.secret_, kNameContext);
  return secret;
}

ChatKey GroupSecret::key_of(const ChatId& group) const {
  ChatKey key(group.str());
  cli::derive(key.key_, secret_, labelled("godwit-cli/v1/group") + group.str());
  return key;
}

ChatKey GroupSecret::status_key_of(UserId author) const {
  std::string scope;
  append_id(scope, author);
  ChatKey key(scope);
  cli::derive(key.key_, secret_, labelled("godwit-cli/v1/status") + scope);
  return key;
}

std::string GroupSecret::seal_name(std::string_view name) const {
  return seal_under(name_key_, name, kNameContext);
}

std::optional<std::string> GroupSecret::open_name(std::string_view sealed) const {
  return open_under(name_key_, sealed, kNameContext);
}

}  // namespace godwit::cli
