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

}  // namespace godwit::config
