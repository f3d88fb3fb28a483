#include "call/ice_servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TurnCredential, is_what_openssl_computes) {
  // printf '1700000000:42' | openssl dgst -sha1 -hmac 'north-remembers-everything' -binary | openssl base64
  EXPECT_EQ(turn_credential("north-remembers-everything", "1700000000:42"), "Lv+XPOflxlNcZAcU3wm8etgEbVg=");
}

IceOptions options() {
  return {{"stun:s.example", "eu turn:e1.example?transport=udp", "us turns:u.example", "eu stun:e.example",
           "eu turn:e2.example?transport=tcp"},
          "a-secret-of-some-length", 600};
}

TEST(IceServers, are_grouped_by_region_and_stun_has_no_credentials) {
  const IceServers got = ice_servers_for(options(), UserId(7), "", 1'000'000);
  ASSERT_EQ(got.servers.size(), 4U);
  EXPECT_THAT(got.servers[0].urls, ElementsAre("stun:s.example"));
  EXPECT_THAT(got.servers[0].username, IsEmpty());
  EXPECT_THAT(got.servers[0].credential, IsEmpty());
  EXPECT_THAT(got.servers[1].urls, ElementsAre("turn:e1.example?transport=udp", "turn:e2.example?transport=tcp"));
  EXPECT_EQ(got.servers[1].region, "eu");
  EXPECT_EQ(got.servers[1].username, "1600:7");
  EXPECT_EQ(got.servers[1].credential, turn_credential("a-secret-of-some-length", "1600:7"));
  EXPECT_EQ(got.servers[2].region, "us");
  EXPECT_THAT(got.servers[3].urls, ElementsAre("stun:e.example"));
  EXPECT_EQ(got.expires_ms, 1'600'000);
}

TEST(IceServers, of_the_region_asked_for_come_first) {
  const IceServers got = ice_servers_for(options(), UserId(7), "us", 1'000'000);
  ASSERT_EQ(got.servers.size(), 4U);
  EXPECT_EQ(got.servers[0].region, "us");
  EXPECT_EQ(got.servers[1].region, "");
  EXPECT_EQ(got.servers[2].region, "eu");
  EXPECT_EQ(ice_servers_for(options(), UserId(7), "mars", 0).servers[0].region, "");
}

TEST(IceServers, without_turn_there_is_nothing_that_ends) {
  const IceServers got = ice_servers_for({{"stun:s.example"}, "", 600}, UserId(7), "", 1'000'000);
  ASSERT_EQ(got.servers.size(), 1U);
  EXPECT_EQ(got.expires_ms, 0);
}

}  // namespace
}  // namespace godwit
