#include "net/ip_address.h"

#include <gtest/gtest.h>

namespace godwit::net {
namespace {

TEST(IpAddress, MappedAndPlainIpv4_AreTheSame) {
  EXPECT_EQ(IpAddress::parse("::ffff:10.1.2.3"), IpAddress::parse("10.1.2.3"));
  EXPECT_EQ(IpAddress::parse("::ffff:10.1.2.3")->str(), "10.1.2.3");
  EXPECT_EQ(IpAddress::parse("2001:DB8::1")->str(), "2001:db8::1");
}

TEST(IpAddress, Network_IsWhatOneHolderHas) {
  EXPECT_EQ(IpAddress::parse("10.1.2.3")->network().str(), "10.1.2.3");
  EXPECT_EQ(IpAddress::parse("2001:db8:1:2:3:4:5:6")->network().str(), "2001:db8:1:2::");
  EXPECT_EQ(IpAddress::parse("2001:db8:1:2::7")->network(), IpAddress::parse("2001:db8:1:2:3:4:5:6")->network());
  EXPECT_NE(IpAddress::parse("2001:db8:1:3::7")->network(), IpAddress::parse("2001:db8:1:2::7")->network());
}

TEST(IpAddress, OtherText_IsNoAddress) {
  for (const char* text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "::1%lo", "1.2.3.4 "}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(Networks, AddressesAtTheEdges_AreInsideOrOutside) {
  const Networks networks({"10.0.0.0/8", "192.0.2.128/25", "203.0.113.9", "fd00::/8", "::1"});
  for (const char* text :
       {"10.0.0.0", "10.255.255.255", "192.0.2.128", "192.0.2.255", "203.0.113.9", "fdff::1", "::1"}) {
    EXPECT_TRUE(networks.contains(*IpAddress::parse(text))) << text;
  }
  for (const char* text : {"9.255.255.255", "11.0.0.0", "192.0.2.127", "203.0.113.8", "fe00::1", "::2"}) {
    EXPECT_FALSE(networks.contains(*IpAddress::parse(text))) << text;
  }
}

TEST(Networks, ZeroBits_MeanEverythingOfThatFamily) {
  EXPECT_TRUE(Networks({"0.0.0.0/0"}).contains(*IpAddress::parse("8.8.8.8")));
  EXPECT_FALSE(Networks({"0.0.0.0/0"}).contains(*IpAddress::parse("2001:db8::1")));
}

TEST(Networks, BadEntry_IsNamedInTheError) {
  for (const std::string entry :
       {"10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/x", "proxy", "1.2.3.4/-1"}) {
    try {
      Networks({"127.0.0.1", entry});
      ADD_FAILURE() << entry << " was taken";
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find("'" + entry + "'"), std::string::npos);
    }
  }
}

TEST(ForwardedClient, RightmostUntrustedAddress_Counts) {
  const Networks trusted({"10.0.0.0/8", "fd00::/8"});
  const auto client = [&](const char* peer, const char* list) {
    return forwarded_client(*IpAddress::parse(peer), list, trusted).str();
  };
  EXPECT_EQ(client("10.0.0.1", "203.0.113.5"), "203.0.113.5");
  EXPECT_EQ(client("10.0.0.1", "1.1.1.1, 203.0.113.5, 10.2.2.2"), "203.0.113.5");
  EXPECT_EQ(client("fd00::1", "[2001:db8::9]:443"), "2001:db8::9");
  EXPECT_EQ(client("10.0.0.1", "203.0.113.5:8080"), "203.0.113.5");
  EXPECT_EQ(client("10.0.0.1", ""), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", "1.1.1.1, junk"), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", "10.0.0.3,10.0.0.2"), "10.0.0.3");
  EXPECT_EQ(client("203.0.113.1", "1.1.1.1"), "203.0.113.1");  // an untrusted peer's word is nothing
}

}  // namespace
}  // namespace godwit::net
