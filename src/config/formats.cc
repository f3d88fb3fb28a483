#include "config/formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace godwit::config {
namespace {

// All of `text` as a decimal number from 0 to `max`, without sign.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > max) return std::nullopt;
  return number;
}

struct Address {
  int family = AF_INET;
  std::array<std::uint8_t, 16> bytes{};  // the first 4 for IPv4

  bool loopback() const {
    if (family == AF_INET) return bytes[0] == 127;
    return std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; }) && bytes[15] == 1;
  }
};

std::optional<Address> parse_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Address address;
  for (const int family : {AF_INET, AF_INET6}) {
    address.family = family;
    if (::inet_pton(family, terminated.c_str(), address.bytes.data()) == 1) return address;
  }
  return std::nullopt;
}

// Letters, digits, hyphens and dots, neither of the latter two at an end: a name, or an IPv4 address.
bool is_host_name(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 253 && plain(text.front()) && plain(text.back()) &&
         text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || c == '-' || c == '.'; });
}

// "host" or "host:port".
bool is_host_and_port(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return false;
  const std::string_view port = text.substr(bracketed ? end + 1 : end);
  if (!port.empty()) {
    const auto number = port[0] == ':' ? parse_number(port.substr(1), 65535) : std::nullopt;
    if (!number || *number == 0) return false;
  }
  if (!bracketed) return is_host_name(text.substr(0, end));
  const auto address = parse_address(text.substr(1, end - 1));
  return address && address->family == AF_INET6;
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_number(text.substr(colon + 1), 65535);
  if (!port) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host == "localhost" && !bracketed) host = "127.0.0.1";
  const auto address = parse_address(host);
  // Brackets belong to IPv6 alone, which is ambiguous without them (RFC 3986, section 3.2.2).
  if (!address || (address->family == AF_INET6) != bracketed) return std::nullopt;
  return Endpoint{std::string(host), static_cast<std::uint16_t>(*port), address->loopback()};
}

bool is_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return false;
  if (slash == std::string_view::npos) return true;
  return parse_number(text.substr(slash + 1), address->family == AF_INET ? 32 : 128).has_value();
}

bool is_safe_url(std::string_view text) {
  const bool tls = text.starts_with("https://");
  if (!tls && !text.starts_with("http://")) return false;
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable || text.find('#') != std::string_view::npos) return false;
  text.remove_prefix(text.find("//") + 2);
  const std::string_view authority = text.substr(0, text.find_first_of("/?"));
  if (authority.empty() || authority.find('@') != std::string_view::npos) return false;

  const std::size_t host_end = authority.front() == '[' ? authority.find(']') : authority.find(':');
  if (authority.front() == '[' && host_end == std::string_view::npos) return false;
  const std::size_t port_at = authority.front() == '[' ? host_end + 1 : std::min(host_end, authority.size());
  const std::string_view port = authority.substr(port_at);
  if (!port.empty() && (port[0] != ':' || !parse_number(port.substr(1), 65535))) return false;
  if (port_at == 0) return false;
  // Whatever is loopback as an endpoint is loopback here.
  const auto local = parse_endpoint(std::string(authority.substr(0, port_at)) + ":0");
  if (authority.front() == '[' && !local) return false;
  return tls || (local && local->loopback);
}

std::optional<IceServerUrl> parse_ice_server(std::string_view text) {
  constexpr std::size_t kMaxRegion = 32;
  IceServerUrl server;
  if (const std::size_t space = text.find(' '); space != std::string_view::npos) {
    if (space == 0 || space > kMaxRegion) return std::nullopt;
    server.region = text.substr(0, space);
    text.remove_prefix(space + 1);
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = text.substr(0, colon);
  server.turn = scheme == "turn" || scheme == "turns";
  if (!server.turn && scheme != "stun" && scheme != "stuns") return std::nullopt;
  text.remove_prefix(colon + 1);
  if (const std::size_t query = text.find('?'); query != std::string_view::npos) {
    const std::string_view asked = text.substr(query);
    if (!server.turn || (asked != "?transport=udp" && asked != "?transport=tcp")) return std::nullopt;
    text = text.substr(0, query);
  }
  return is_host_and_port(text) ? std::optional(server) : std::nullopt;
}

}  // namespace godwit::config
