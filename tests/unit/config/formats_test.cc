#include "config/formats.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit::config {
namespace {

TEST(EndpointFormat, address_and_port_are_parsed) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:8080"), (Endpoint{"127.0.0.1", 8080, true}));
  EXPECT_EQ(parse_endpoint("127.9.9.9:0"), (Endpoint{"127.9.9.9", 0, true}));
  EXPECT_EQ(parse_endpoint("localhost:1"), (Endpoint{"127.0.0.1", 1, true}));
  EXPECT_EQ(parse_endpoint("0.0.0.0:65535"), (Endpoint{"0.0.0.0", 65535, false}));
  EXPECT_EQ(parse_endpoint("[::1]:443"), (Endpoint{"::1", 443, true}));
  EXPECT_EQ(parse_endpoint("[::]:443"), (Endpoint{"::", 443, false}));
}

TEST(EndpointFormat, anything_else_is_refused) {
  for (const char* text : {"",
                           ":",
                           "8080",
                           ":8080",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1: 1",
                           "127.0.0.1:1x",
                           "127.0.0.256:1",
                           "127.1:1",
                           "::1:443",
                           "[127.0.0.1]:1",
                           "[localhost]:1",
                           "[]:1",
                           "[::1:1",
                           "example.org:80",
                           "*:80"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
  EXPECT_FALSE(parse_endpoint(std::string("127.0.0.1\0:1", 12)));
}

TEST(NetworkFormat, addresses_and_prefixes_are_accepted) {
  for (const char* text :
       {"10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "10.1.2.3/32", "::/0", "fd00::/8", "::1/128", "::1"}) {
    EXPECT_TRUE(is_network(text)) << text;
  }
}

TEST(NetworkFormat, anything_else_is_refused) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8",
                           "::/129", "[::1]", "localhost", "10.0.0.0 /8"}) {
    EXPECT_FALSE(is_network(text)) << text;
  }
}

TEST(UrlFormat, https_anywhere_and_http_to_loopback_are_accepted) {
  for (const char* text : {"https://example.org", "https://example.org/", "https://example.org:8443/a?b=c",
                           "https://[2001:db8::1]:1/", "http://127.0.0.1:1/x", "http://localhost/x",
                           "http://[::1]:8080", "http://localhost?x"}) {
    EXPECT_TRUE(is_safe_url(text)) << text;
  }
}

TEST(UrlFormat, anything_else_is_refused) {
  for (const char* text : {"",
                           "example.org",
                           "https://",
                           "https:///x",
                           "https://:80/",
                           "http://example.org",
                           "http://127.0.0.1.example.org/",
                           "http://localhost@example.org/",
                           "https://user:pass@example.org/",
                           "https://example.org/#a",
                           "https://a b/",
                           "https://a\n/",
                           "https://example.org:port/",
                           "https://example.org:65536/",
                           "https://[::1",
                           "https://[x]/",
                           "http://[2001:db8::1]/",
                           "ftp://localhost/",
                           "HTTP://localhost/",
                           "https://\xc3\xa9.org/"}) {
    EXPECT_FALSE(is_safe_url(text)) << text;
  }
}

TEST(IceFormat, urls_of_both_rfcs_are_accepted_with_and_without_region) {
  for (const char* text : {"stun:stun.example.org", "stuns:stun.example.org:5349", "turn:192.0.2.1:3478?transport=udp",
                           "turns:turn.example.org:443?transport=tcp", "turn:[2001:db8::1]:3478", "turn:localhost",
                           "eu turn:turn.example.org", "us-east-1 stun:a.example"}) {
    EXPECT_TRUE(parse_ice_server(text)) << text;
  }
  EXPECT_EQ(parse_ice_server("eu turn:a.example")->region, "eu");
  EXPECT_TRUE(parse_ice_server("eu turn:a.example")->turn);
  EXPECT_TRUE(parse_ice_server("turns:a.example")->turn);
  EXPECT_FALSE(parse_ice_server("stuns:a.example")->turn);
}

TEST(IceFormat, anything_else_is_refused) {
  for (const char* text : {"", "stun", "stun:", "turn:?transport=udp", "http://a.example", "turn://a.example", "STUN:a.example",
                           "stun:a.example?transport=udp", "turn:a.example?transport=tls", "turn:a.example?x=1",
                           "turn:a.example:0", "turn:a.example:65536", "turn:a.example:", "turn:[::1", "turn:[1.2.3.4]",
                           "turn:::1", "turn:user@a.example", "turn:a..b", "turn:-a", " turn:a.example",
                           "eu  turn:a.example", "eu west turn:a.example", "turn:a b",
                           "a-region-name-of-more-than-32-bytes stun:a.example"}) {
    EXPECT_FALSE(parse_ice_server(text)) << text;
  }
}

}  // namespace
}  // namespace godwit::config
