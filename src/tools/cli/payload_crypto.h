// Encryption of payloads between two users who share a passphrase.
//
// A stand-in until the client SDK brings real end-to-end encryption: there is no forward secrecy, and whoever
// knows or guesses the passphrase reads everything. The server sees only the result.
//
//   payload    := version (1 byte, 0x01)  nonce (24 random bytes)  ciphertext
//   ciphertext := XChaCha20-Poly1305-IETF of the text, padded (ISO/IEC 7816-4) to a multiple of 64 bytes
//   aad        := "godwit-cli/v1/message" 0x00 sender (8, big endian) message id (16) lower user (8) higher
//   user (8) key        := Argon2id(passphrase, salt), t = 3, m = 64 MiB (RFC 9106 section 4, but p = 1) salt
//   := the first 16 bytes of BLAKE2b("godwit-cli/v1/pair" 0x00 lower user (8) higher user (8))
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "godwit/ids.h"

namespace godwit::cli {

// The key of a pair of users. Wiped when it goes.
class PairKey {
 public:
  // Both users derive the same key from the same passphrase. Takes about 0.2 s. Throws std::bad_alloc when
  // there is no memory for it.
  static PairKey derive(std::string_view passphrase, UserId a, UserId b);

  PairKey(PairKey&& other) noexcept;
  PairKey& operator=(PairKey&&) = delete;
  ~PairKey();

  // `text` becomes a payload of message `id` by `sender`, who is one of the pair.
  std::string seal(std::string_view text, UserId sender, const MessageId& id) const;
  // The text, or nothing when the payload is of another key, sender, message or version, or was changed.
  std::optional<std::string> open(std::string_view payload, UserId sender, const MessageId& id) const;

 private:
  PairKey(UserId a, UserId b);
  std::string associated_data(UserId sender, const MessageId& id) const;

  UserId low_;
  UserId high_;
  std::array<unsigned char, 32> key_{};
};

// The size of the payload for a text of `text_bytes`.
std::size_t sealed_size(std::size_t text_bytes);

}  // namespace godwit::cli
