#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

namespace godwit::net {
namespace {

using Status = ProxyParse::Status;

std::string version2(char command, char family, const std::string& body) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header.push_back(command);
  header.push_back(family);
  header.push_back(static_cast<char>(body.size() >> 8));
  header.push_back(static_cast<char>(body.size() & 0xFF));
  return header + body;
}

const std::string kTcp4Body("\xC0\x00\x02\x07\x0A\x00\x00\x01\x30\x39\x01\xBB", 12);  // 192.0.2.7:12345

TEST(ProxyProtocol, Version2Tcp4_GivesTheSource) {
  const std::string bytes = version2('\x21', '\x11', kTcp4Body);
  const ProxyParse parsed = parse_proxy_header(bytes + "GET / HTTP/1.1");
  ASSERT_EQ(parsed.status, Status::done);
  EXPECT_EQ(parsed.size, bytes.size());
  EXPECT_TRUE(parsed.header.has_source);
  EXPECT_EQ(parsed.header.source.str(), "192.0.2.7");
  EXPECT_EQ(parsed.header.source_port, 12345);
  EXPECT_FALSE(parsed.header.secure);
}

TEST(ProxyProtocol, Version2Tcp6WithTlvs_SkipsThemAndReadsTls) {
  std::string body(36, 0);
  body[15] = 1;                                        // ::1
  body += std::string("\x04\x00\x03pad", 6);           // NOOP
  body += std::string("\x20\x00\x05\x01\0\0\0\0", 8);  // SSL, client used TLS
  const ProxyParse parsed = parse_proxy_header(version2('\x21', '\x21', body));
  ASSERT_EQ(parsed.status, Status::done);
  EXPECT_EQ(parsed.header.source.str(), "::1");
  EXPECT_TRUE(parsed.header.secure);
}

TEST(ProxyProtocol, LocalAndUnknown_LeaveTheSourceToThePeer) {
  const ProxyParse local = parse_proxy_header(version2('\x20', '\x00', "whatever"));
  EXPECT_EQ(local.status, Status::done);
  EXPECT_FALSE(local.header.has_source);
  const ProxyParse unknown = parse_proxy_header("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n");
  EXPECT_EQ(unknown.status, Status::done);
  EXPECT_FALSE(unknown.header.has_source);
}

TEST(ProxyProtocol, Version1_GivesTheSource) {
  const std::string line = "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
  const ProxyParse parsed = parse_proxy_header(line + "more");
  ASSERT_EQ(parsed.status, Status::done);
  EXPECT_EQ(parsed.size, line.size());
  EXPECT_EQ(parsed.header.source.str(), "192.0.2.7");
  EXPECT_EQ(parse_proxy_header("PROXY TCP6 2001:db8::1 ::1 1 2\r\n").header.source.str(), "2001:db8::1");
}

TEST(ProxyProtocol, EveryPrefixOfAHeader_NeedsMore) {
  for (const std::string& whole :
       {version2('\x21', '\x11', kTcp4Body), std::string("PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n")}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(parse_proxy_header(whole.substr(0, size)).status, Status::need_more) << size;
    }
  }
}

TEST(ProxyProtocol, Nonsense_IsBad) {
  const std::string bad[] = {
      "GET / HTTP/1.1\r\n",
      "\x16\x03\x01",
      "PROXY \n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 12345\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 12345 99999\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443 5\r\n",
      "PROXY TCP4 ::1 ::1 1 2\r\n",
      "PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n",
      "PROXY TCP4 192.0.2.777 10.0.0.1 1 2\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n",
      "PROXY " + std::string(101, 'x'),
      version2('\x11', '\x11', kTcp4Body),                // version 1 in binary
      version2('\x22', '\x11', kTcp4Body),                // unknown command
      version2('\x21', '\x12', kTcp4Body),                // UDP
      version2('\x21', '\x11', kTcp4Body.substr(0, 11)),  // short address
      version2('\x21', '\x11', kTcp4Body + std::string("\x20\x00", 2)),
      version2('\x21', '\x11', kTcp4Body + std::string("\x20\x00\x09\x01", 4)),
      version2('\x21', '\x11', kTcp4Body + std::string(kMaxProxyHeader, 'x')).substr(0, 20),  // too long
  };
  for (const std::string& bytes : bad) EXPECT_EQ(parse_proxy_header(bytes).status, Status::bad) << bytes;
}

}  // namespace
}  // namespace godwit::net
