// Encryption of payloads and group names among users who share a passphrase.
//
// A stand-in until the client SDK brings real end-to-end encryption: there is no forward secrecy, and whoever
// knows or guesses the passphrase reads everything. The server sees only the result.
//
//   sealed       := version (1 byte, 0x01)  nonce (24 random bytes)  ciphertext
//   ciphertext   := XChaCha20-Poly1305-IETF of the text, padded (ISO/IEC 7816-4) to a multiple of 64 bytes
//   payload      := sealed, with aad = "godwit-cli/v1/message" 0x00
//                   sender (8, big endian)  message id (16)  scope
//   reply        := sealed, with aad = "godwit-cli/v1/status-reply" 0x00
//                   sender (8)  message id (16)  status id (16)  scope
//   scope        := lower user (8) higher user (8), or group (16), or, of a status, its author (8)
//   group name   := sealed, with aad = "godwit-cli/v1/group-name" 0x00
//   slow(salt)   := Argon2id(passphrase, salt), t = 3, m = 64 MiB (RFC 9106 section 4, but p = 1)
//   pair key     := slow(the first 16 bytes of BLAKE2b("godwit-cli/v1/pair" 0x00
//                   lower user (8)  higher user (8)))
//   group secret := slow(the first 16 bytes of BLAKE2b("godwit-cli/v1/groups" 0x00))
//   group key    := BLAKE2b keyed with the group secret, of "godwit-cli/v1/group" 0x00 group (16)
//   name key     := BLAKE2b keyed with the group secret, of "godwit-cli/v1/group-name" 0x00
//   status key   := BLAKE2b keyed with the group secret, of "godwit-cli/v1/status" 0x00 author (8)
//
// All groups of a passphrase have one secret, so that a list of groups can be shown without deriving each.
//
// A status goes to many, so everyone who shares the passphrase could read it; the server decides who gets it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "godwit/ids.h"

namespace godwit::cli {

// 32 secret bytes, wiped when they go.
class SecretKey {
 public:
  SecretKey() = default;
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&&) = delete;
  ~SecretKey();

  unsigned char* data() { return bytes_.data(); }
  const unsigned char* data() const { return bytes_.data(); }
  static constexpr std::size_t size() { return 32; }

 private:
  std::array<unsigned char, 32> bytes_{};
};

// The key of one chat, or of an author's statuses.
class ChatKey {
 public:
  // Both users derive the same key from the same passphrase. Takes about 0.2 s. Throws std::bad_alloc when
  // there is no memory for it.
  static ChatKey of_pair(std::string_view passphrase, UserId a, UserId b);

  // `text` becomes a payload of message `id` by `sender`, who is in the chat.
  std::string seal(std::string_view text, UserId sender, const MessageId& id) const;
  // The text, or nothing when the payload is of another key, sender, message or version, or was changed.
  std::optional<std::string> open(std::string_view payload, UserId sender, const MessageId& id) const;
  // The same of a message that answers a status, which it is bound to.
  std::string seal_reply(std::string_view text, UserId sender, const MessageId& id,
                         const MessageId& status) const;
  std::optional<std::string> open_reply(std::string_view payload, UserId sender, const MessageId& id,
                                        const MessageId& status) const;

 private:
  friend class GroupSecret;
  explicit ChatKey(std::string scope) : scope_(std::move(scope)) {}
  std::string associated_data(UserId sender, const MessageId& id) const;
  std::string reply_data(UserId sender, const MessageId& id, const MessageId& status) const;

  std::string scope_;
  SecretKey key_;
};

// What all groups of a passphrase have in common.
class GroupSecret {
 public:
  // As slow as ChatKey::of_pair(), and throws as it does.
  static GroupSecret derive(std::string_view passphrase);

  // Fast.
  ChatKey key_of(const ChatId& group) const;
  ChatKey status_key_of(UserId author) const;
  std::string seal_name(std::string_view name) const;
  // Nothing when it was sealed under another passphrase, by another client, or changed.
  std::optional<std::string> open_name(std::string_view sealed) const;

 private:
  GroupSecret() = default;

  SecretKey secret_;
  SecretKey name_key_;
};

// The size of what a text of `text_bytes` is sealed to.
std::size_t sealed_size(std::size_t text_bytes);

}  // namespace godwit::cli
