// The messages this device has received and sent: one append-only file.
//
//   file   := record*
//   record := length (4 bytes, little endian)  checksum (8 bytes: BLAKE2b of the body)  body
//   body   := a godwit.v1.Envelope; `seq` is 0 for what this device sent itself
//
// Payloads stay as they crossed the wire, encrypted under the key of the passphrase (payload_crypto.h), so
// the file reveals who wrote when, but not what; and a message that does not decrypt today may do so
// tomorrow.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "tools/cli/private_file.h"

namespace godwit::v1 {
class Envelope;
}

namespace godwit::cli {

class MessageStore {
 public:
  // Opens or creates. Records from `trusted_bytes` on are checked; a torn one, and what follows it, is cut
  // off. Throws std::system_error.
  MessageStore(std::filesystem::path file, std::uint64_t trusted_bytes);

  // Returns the offset behind the record. Durable after sync(). Throws std::system_error.
  std::uint64_t append(const v1::Envelope& envelope);
  void sync();

  // Bytes in the file; offsets run up to it.
  std::uint64_t size() const { return size_; }

  // Visits the records from offset `from` on, in order, each with the offset behind it, until `visit` returns
  // false. Damaged records are skipped.
  using Visitor = std::function<bool(const v1::Envelope&, std::uint64_t end)>;
  void scan(std::uint64_t from, const Visitor& visit) const;

 private:
  void cut_torn_tail(std::uint64_t trusted_bytes);

  std::filesystem::path file_;
  Fd fd_;
  std::uint64_t size_ = 0;
  bool synced_ = true;
};

}  // namespace godwit::cli
