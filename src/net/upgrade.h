// The WebSocket opening handshake (RFC 6455, section 4.2), server side. Pure.
#pragma once

#include <string>

#include "net/http.h"

namespace godwit::net {

// Messages are binary Protobuf, or its JSON mapping as text.
inline constexpr std::string_view kBinaryProtocol = "godwit.v1";
inline constexpr std::string_view kTextProtocol = "godwit.v1.json";

struct Upgrade {
  bool accepted = false;
  HttpResponse refusal;  // when not accepted
  std::string accept_key;
  std::string_view protocol;  // the first in the client's order that we speak
  bool text = false;
};

Upgrade check_upgrade(const HttpRequest& request);
// Appends the 101 response.
void append_upgrade_response(std::string& out, const Upgrade& upgrade);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept_key(std::string_view key);

}  // namespace godwit::net
