// The address of a server: ws://host[:port]/path or wss://...
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace godwit::cli {

inline constexpr std::string_view kDefaultUrl = "ws://127.0.0.1:8080/v1/ws";

struct ServerUrl {
  bool tls = false;
  std::string host;  // without brackets
  std::string port;
  std::string path;  // begins with '/'

  // The host is this machine: plain text and unverified certificates do no harm.
  bool loopback() const;
  // For the Host header.
  std::string host_header() const;
};

// A missing port is 80 or 443, a missing path "/v1/ws". Nothing for anything else than such an address.
std::optional<ServerUrl> parse_server_url(std::string_view text);

}  // namespace godwit::cli
