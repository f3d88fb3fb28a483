#include "net/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace godwit::net {
namespace {

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;

bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - bits % 8));
  return ((a.bytes[whole] ^ b.bytes[whole]) & mask) == 0;
}

// One element of X-Forwarded-For: an address, perhaps with a port ("1.2.3.4:5", "[::1]:5").
std::optional<IpAddress> parse_forwarded(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    return IpAddress::parse(text.substr(1, end - 1));
  }
  if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
  return IpAddress::parse(text);
}

}  // namespace

bool IpAddress::is_v4() const {
  return std::memcmp(bytes.data(), kMappedPrefix, sizeof kMappedPrefix) == 0;
}

IpAddress IpAddress::from_v4(const std::uint8_t v4[4]) {
  IpAddress address;
  std::memcpy(address.bytes.data(), kMappedPrefix, sizeof kMappedPrefix);
  std::memcpy(address.bytes.data() + 12, v4, 4);
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = 0;
  std::uint8_t v4[4];
  if (inet_pton(AF_INET, buffer, v4) == 1) return from_v4(v4);
  IpAddress address;
  if (inet_pton(AF_INET6, buffer, address.bytes.data()) == 1) return address;
  return std::nullopt;
}

IpAddress IpAddress::from_sockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    std::uint8_t v4[4];
    std::memcpy(v4, &in.sin_addr, 4);
    return from_v4(v4);
  }
  IpAddress result;
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, address, sizeof in6);
    std::memcpy(result.bytes.data(), &in6.sin6_addr, 16);
  }
  return result;
}

IpAddress IpAddress::network() const {
  IpAddress network = *this;
  if (!is_v4()) std::fill(network.bytes.begin() + 8, network.bytes.end(), std::uint8_t{0});
  return network;
}

std::string IpAddress::str() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (is_v4()) {
    inet_ntop(AF_INET, bytes.data() + 12, buffer, sizeof buffer);
  } else {
    inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
  }
  return buffer;
}

Networks::Networks(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const std::string_view text(entry);
    const auto slash = text.find('/');
    const auto base = IpAddress::parse(text.substr(0, slash));
    unsigned bits = 128;
    bool good = base.has_value();
    if (good && slash != std::string_view::npos) {
      const std::string_view count = text.substr(slash + 1);
      const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), bits);
      good =
          error == std::errc() && end == count.data() + count.size() && bits <= (base->is_v4() ? 32U : 128U);
      if (base->is_v4()) bits += kMappedBits;
    }
    if (!good)
      throw std::runtime_error("'" + entry + "' is not a network: write an address such as 10.0.0.0/8");
    networks_.push_back({*base, bits});
  }
}

bool Networks::contains(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const Network& n) { return same_prefix(n.base, address, n.bits); });
}

IpAddress forwarded_client(const IpAddress& peer, std::string_view forwarded_for, const Networks& trusted) {
  IpAddress client = peer;
  while (trusted.contains(client) && !forwarded_for.empty()) {
    const auto comma = forwarded_for.rfind(',');
    const bool last = comma == std::string_view::npos;
    const auto hop = parse_forwarded(last ? forwarded_for : forwarded_for.substr(comma + 1));
    if (!hop) break;
    client = *hop;
    forwarded_for = last ? std::string_view() : forwarded_for.substr(0, comma);
  }
  return client;
}

}  // namespace godwit::net
