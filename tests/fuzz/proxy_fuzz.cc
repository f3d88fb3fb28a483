// PROXY headers and forwarded addresses from hostile bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/ip_address.h"
#include "net/proxy_protocol.h"

namespace {

using godwit::net::ProxyParse;

void check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const ProxyParse whole = godwit::net::parse_proxy_header(bytes);
  if (whole.status == ProxyParse::Status::done) {
    check(whole.size > 0 && whole.size <= bytes.size() && whole.size <= godwit::net::kMaxProxyHeader);
    // A header is complete with its last byte and not before: the reader takes bytes on that promise.
    check(godwit::net::parse_proxy_header(bytes.substr(0, whole.size)).status == ProxyParse::Status::done);
    for (std::size_t part = 0; part < whole.size; ++part) {
      check(godwit::net::parse_proxy_header(bytes.substr(0, part)).status == ProxyParse::Status::need_more);
    }
    if (whole.header.has_source) {
      check(godwit::net::IpAddress::parse(whole.header.source.str()) == whole.header.source);
    }
  } else if (whole.status == ProxyParse::Status::need_more) {
    check(bytes.size() < godwit::net::kMaxProxyHeader);
  }
  static const godwit::net::Networks trusted({"10.0.0.0/8", "fd00::/8"});
  static const auto proxy = *godwit::net::IpAddress::parse("10.0.0.1");
  godwit::net::forwarded_client(proxy, bytes, trusted);
  return 0;
}
