#include "net/upgrade.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

namespace godwit::net {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeyLength = 24;  // base64 of 16 bytes

bool is_websocket_key(std::string_view key) {
  if (key.size() != kKeyLength || !key.ends_with("==")) return false;
  std::array<unsigned char, 18> decoded;
  return EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(key.data()),
                         static_cast<int>(key.size())) == static_cast<int>(decoded.size());
}

// The first offered protocol that is ours, or empty.
std::string_view choose_protocol(std::string_view offered) {
  while (!offered.empty()) {
    const auto comma = offered.find(',');
    const std::string_view item = offered.substr(0, comma);
    // Subprotocol names are case-sensitive, but nobody else's differ from ours by case alone.
    if (list_has_token(item, kBinaryProtocol)) return kBinaryProtocol;
    if (list_has_token(item, kTextProtocol)) return kTextProtocol;
    if (comma == std::string_view::npos) break;
    offered.remove_prefix(comma + 1);
  }
  return {};
}

Upgrade refuse(int status, std::string_view detail, HttpHeaders headers = {}) {
  Upgrade upgrade;
  upgrade.refusal = http_error(status, detail);
  upgrade.refusal.headers = std::move(headers);
  return upgrade;
}

}  // namespace

std::string websocket_accept_key(std::string_view key) {
  std::string text(key);
  text.append(kGuid);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> encoded;
  const int size = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(size)};
}

Upgrade check_upgrade(const HttpRequest& request) {
  if (request.method != "GET") return refuse(405, "a WebSocket begins with GET", {{"Allow", "GET"}});
  if (request.minor_version < 1) return refuse(400, "a WebSocket needs HTTP/1.1");
  if (!list_has_token(request.joined_header("Connection"), "upgrade") ||
      !list_has_token(request.joined_header("Upgrade"), "websocket")) {
    return refuse(426, "this path speaks WebSocket", {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}});
  }
  if (request.header("Sec-WebSocket-Version") != "13") {
    return refuse(426, "only WebSocket version 13 is spoken here", {{"Sec-WebSocket-Version", "13"}});
  }
  const std::string_view key = request.header("Sec-WebSocket-Key");
  if (!is_websocket_key(key)) return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  if (!request.body.empty()) return refuse(400, "a WebSocket request has no body");
  const std::string_view protocol = choose_protocol(request.joined_header("Sec-WebSocket-Protocol"));
  if (protocol.empty()) {
    return refuse(400, "offer the subprotocol godwit.v1 or godwit.v1.json in Sec-WebSocket-Protocol");
  }
  Upgrade upgrade;
  upgrade.accepted = true;
  upgrade.accept_key = websocket_accept_key(key);
  upgrade.protocol = protocol;
  upgrade.text = protocol == kTextProtocol;
  return upgrade;
}

void append_upgrade_response(std::string& out, const Upgrade& upgrade) {
  out.append(
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: ")
      .append(upgrade.accept_key)
      .append("\r\nSec-WebSocket-Protocol: ")
      .append(upgrade.protocol)
      .append("\r\n\r\n");
}

}  // namespace godwit::net
