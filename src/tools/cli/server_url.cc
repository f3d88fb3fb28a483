#include "tools/cli/server_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace godwit::cli {
namespace {

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

// Splits "host:port" or "[v6]:port"; false when it is neither.
bool split_authority(std::string_view authority, ServerUrl& out) {
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return false;
    out.host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    out.host = authority.substr(0, colon);
    rest = authority.substr(colon);
  }
  if (rest.empty()) {
    out.port = out.tls ? "443" : "80";
    return true;
  }
  out.port = rest.substr(1);
  return rest.front() == ':' && is_port(out.port);
}

}  // namespace

bool ServerUrl::loopback() const {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return host == "localhost" || host == "::1";
}

std::string ServerUrl::host_header() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return name + ":" + port;
}

std::optional<ServerUrl> parse_server_url(std::string_view text) {
  ServerUrl url;
  if (text.starts_with("wss://")) {
    url.tls = true;
    text.remove_prefix(6);
  } else if (text.starts_with("ws://")) {
    text.remove_prefix(5);
  } else {
    return std::nullopt;
  }
  const std::size_t slash = std::min(text.find('/'), text.size());
  url.path = slash == text.size() ? "/v1/ws" : std::string(text.substr(slash));
  if (!is_visible(text) || text.find_first_of("@#?") != std::string_view::npos) return std::nullopt;
  if (!split_authority(text.substr(0, slash), url) || url.host.empty()) return std::nullopt;
  return url;
}

}  // namespace godwit::cli
