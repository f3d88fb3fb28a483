// The forms that strings in the configuration have: addresses, networks, URLs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace godwit::config {

// "127.0.0.1:8080", "[::1]:8080" or "localhost:8080" (which is 127.0.0.1). Other names are refused: what a
// name resolves to changes, and what a server listens on should not.
struct Endpoint {
  std::string address;  // IPv4 or IPv6, without brackets
  std::uint16_t port = 0;
  bool loopback = false;  // 127.0.0.0/8 or ::1

  bool operator==(const Endpoint&) const = default;
};
std::optional<Endpoint> parse_endpoint(std::string_view text);

// An IPv4 or IPv6 address, alone or with "/bits".
bool is_network(std::string_view text);

// https://host[:port][/path], or http:// where the host is loopback. Neither user nor password nor fragment.
bool is_safe_url(std::string_view text);

// "stun:host[:port]" or "stuns:..." (RFC 7064), "turn:host[:port][?transport=udp|tcp]" or "turns:..." (RFC 7065),
// alone or after a region and one space: "eu turn:turn.example.org". A host is a name, an IPv4 address or an
// IPv6 address in brackets.
struct IceServerUrl {
  std::string region;  // may be empty; at most 32 bytes
  bool turn = false;   // turn or turns: takes credentials
};
std::optional<IceServerUrl> parse_ice_server(std::string_view text);

}  // namespace godwit::config
