// The PROXY protocol, versions 1 and 2 (haproxy's doc/proxy-protocol.txt): who the client of a load balancer
// is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/ip_address.h"

namespace godwit::net {

// A version 2 header with all its TLVs may not be longer; version 1 has its own bound of 107 bytes.
inline constexpr std::size_t kMaxProxyHeader = 4096;

struct ProxyHeader {
  // False for LOCAL and UNKNOWN: the proxy speaks for itself (a health check), its own address counts.
  bool has_source = false;
  IpAddress source;
  std::uint16_t source_port = 0;
  bool secure = false;  // the client spoke TLS to the proxy (PP2_TYPE_SSL)
};

struct ProxyParse {
  enum class Status : std::uint8_t { need_more, done, bad };
  Status status = Status::need_more;
  std::size_t size = 0;  // done: bytes of the header
  ProxyHeader header;
};

// Parses the beginning of a connection. need_more only while no byte after the header is in `bytes`.
ProxyParse parse_proxy_header(std::string_view bytes);

}  // namespace godwit::net
