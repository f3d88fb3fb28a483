// The text of the QR code by which a new device is linked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace godwit::cli {

struct LinkPayload {
  std::string link_id;     // 16 bytes
  std::string device_key;  // 32 bytes: the Ed25519 public key of the new device
};

// "godwit-link:1:" and the base64url of link_id device_key.
std::string format_link_payload(const LinkPayload& payload);
// Nothing unless `text` has exactly that form; white space around it is allowed, since people paste it.
std::optional<LinkPayload> parse_link_payload(std::string_view text);

}  // namespace godwit::cli
