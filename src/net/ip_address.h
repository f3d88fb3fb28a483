// IP addresses and networks, as limits and trust need them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace godwit::net {

// An IPv6 address; an IPv4 one in its mapped form ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2), so that both
// compare alike however the socket reported them.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  bool operator==(const IpAddress&) const = default;
  bool is_v4() const;
  // Without a port, brackets or zone.
  static std::optional<IpAddress> parse(std::string_view text);
  // The unspecified address for families other than IPv4 and IPv6.
  static IpAddress from_sockaddr(const sockaddr* address);
  static IpAddress from_v4(const std::uint8_t bytes[4]);
  // What its holder has, who may come from all of it: the address, of IPv6 the /64 that it is in (RFC 6177).
  IpAddress network() const;
  std::string str() const;
};

// A set of networks such as "10.0.0.0/8", "fd00::/8", "127.0.0.1". Constant after construction.
class Networks {
 public:
  Networks() = default;
  // Throws std::runtime_error that names the entry which is not a network.
  explicit Networks(const std::vector<std::string>& entries);
  bool contains(const IpAddress& address) const;
  bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    IpAddress base;
    unsigned bits;  // of 128
  };
  std::vector<Network> networks_;
};

// The client behind proxies: the rightmost address of X-Forwarded-For that is not itself trusted, as each
// proxy appends the peer it saw. `peer` if that is not trusted, or where the header stops making sense.
IpAddress forwarded_client(const IpAddress& peer, std::string_view forwarded_for, const Networks& trusted);

}  // namespace godwit::net
