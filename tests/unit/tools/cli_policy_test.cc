// Addresses, identifiers, link payloads, and when to connect again.
#include <gtest/gtest.h>

#include "base/random.h"
#include "tools/cli/format.h"
#include "tools/cli/link_payload.h"
#include "tools/cli/reconnect_policy.h"
#include "tools/cli/server_url.h"

namespace godwit::cli {
namespace {

using std::chrono::milliseconds;

std::uint32_t highest(std::uint32_t bound) {
  return bound - 1;
}
std::uint32_t lowest(std::uint32_t) {
  return 0;
}

TEST(close_advice, follows_the_ranges_also_for_codes_not_yet_known) {
  for (const std::uint16_t code : {4000, 4001, 4099}) EXPECT_EQ(close_advice(code), CloseAdvice::now) << code;
  for (const std::uint16_t code : {4100, 4103, 4199})
    EXPECT_EQ(close_advice(code), CloseAdvice::later) << code;
  for (const std::uint16_t code : {4200, 4204, 4299})
    EXPECT_EQ(close_advice(code), CloseAdvice::never) << code;
}

TEST(close_advice, agrees_with_every_row_of_the_close_table_but_a_normal_closure) {
  for (const CloseInfo& row : close_table()) {
    EXPECT_EQ(close_name(row.code), row.name);
    if (row.code == 1000) continue;
    EXPECT_EQ(close_advice(row.code), row.advice) << row.name;
  }
  EXPECT_EQ(close_advice(1000), CloseAdvice::later);
  EXPECT_EQ(close_name(4250), "close_4250");
}

TEST(reconnect_policy, waits_double_up_to_the_bound) {
  ReconnectPolicy policy(highest);
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 12; ++i) waits.push_back(policy.on_closed(1006).wait.count());
  const std::vector<std::int64_t> expected = {200,   400,   800,   1600,  3200,  6400,
                                              12800, 25600, 30000, 30000, 30000, 30000};
  EXPECT_EQ(waits, expected);
}

TEST(reconnect_policy, jitter_reaches_down_to_nothing) {
  ReconnectPolicy policy(lowest);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(policy.on_closed(1006).wait, milliseconds(0));
}

TEST(reconnect_policy, later_begins_higher_than_now) {
  EXPECT_EQ(ReconnectPolicy(highest).on_closed(4100).wait, milliseconds(2000));
  EXPECT_EQ(ReconnectPolicy(highest).on_closed(4000).wait, milliseconds(200));
}

TEST(reconnect_policy, never_means_never_whatever_the_hint) {
  ReconnectPolicy policy(highest);
  policy.on_hint(1000);
  EXPECT_FALSE(policy.on_closed(4202).again);
}

TEST(reconnect_policy, hint_of_the_server_is_a_lower_bound_and_counts_once) {
  ReconnectPolicy policy(lowest);
  policy.on_hint(5000);
  policy.on_hint(3000);
  EXPECT_EQ(policy.on_closed(4000).wait, milliseconds(5000));
  EXPECT_EQ(policy.on_closed(4000).wait, milliseconds(0));
}

TEST(reconnect_policy, accepted_session_starts_over) {
  ReconnectPolicy policy(highest);
  for (int i = 0; i < 5; ++i) policy.on_closed(1006);
  policy.on_welcome();
  EXPECT_EQ(policy.on_closed(1006).wait, milliseconds(200));
}

TEST(link_payload, round_trip_gives_back_id_and_key) {
  init_crypto();
  const LinkPayload payload{random_bytes(16), random_bytes(32)};
  const std::string text = format_link_payload(payload);
  EXPECT_TRUE(text.starts_with("godwit-link:1:"));
  const auto parsed = parse_link_payload("  " + text + "\r\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->link_id, payload.link_id);
  EXPECT_EQ(parsed->device_key, payload.device_key);
}

TEST(link_payload, anything_else_is_refused) {
  const std::string good = format_link_payload({std::string(16, 'a'), std::string(32, 'b')});
  ASSERT_TRUE(parse_link_payload(good));
  EXPECT_FALSE(parse_link_payload(""));
  EXPECT_FALSE(parse_link_payload("  "));
  EXPECT_FALSE(parse_link_payload("godwit-link:1:"));
  EXPECT_FALSE(parse_link_payload("godwit-link:2:" + good.substr(14)));
  EXPECT_FALSE(parse_link_payload(good.substr(0, good.size() - 4)));  // 45 bytes
  EXPECT_FALSE(parse_link_payload(good + "AAAA"));                    // 51 bytes
  EXPECT_FALSE(parse_link_payload(good + "="));
  EXPECT_FALSE(parse_link_payload(good.substr(0, 20) + "+" + good.substr(21)));
  EXPECT_FALSE(parse_link_payload("x" + good));
}

TEST(server_url, parts_and_defaults) {
  auto url = parse_server_url("ws://127.0.0.1:8080/v1/ws");
  ASSERT_TRUE(url);
  EXPECT_FALSE(url->tls);
  EXPECT_EQ(url->host, "127.0.0.1");
  EXPECT_EQ(url->port, "8080");
  EXPECT_EQ(url->path, "/v1/ws");
  EXPECT_EQ(url->host_header(), "127.0.0.1:8080");
  url = parse_server_url("wss://chat.example");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->port, "443");
  EXPECT_EQ(url->path, "/v1/ws");
  url = parse_server_url("ws://[::1]:9/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->host_header(), "[::1]:9");
}

TEST(server_url, nonsense_is_refused) {
  for (const char* text :
       {"", "http://a/", "ws://", "ws://:80/", "ws://a:0/", "ws://a:70000/", "ws://a:x/", "ws://[::1/",
        "ws://[::1]x/", "ws://user@a/", "ws://a b/", "ws://a/\r\nHost: b", "ws://a/?q", "ws://a:/"}) {
    EXPECT_FALSE(parse_server_url(text)) << text;
  }
}

TEST(server_url, only_addresses_of_this_machine_are_loopback) {
  for (const char* text : {"ws://127.0.0.1/", "ws://127.9.9.9/", "ws://localhost/", "ws://[::1]/"}) {
    EXPECT_TRUE(parse_server_url(text)->loopback()) << text;
  }
  for (const char* text :
       {"ws://127.evil.example/", "ws://10.0.0.1/", "ws://localhost.example/", "ws://[::2]/"}) {
    EXPECT_FALSE(parse_server_url(text)->loopback()) << text;
  }
}

TEST(uuid, round_trip_and_refusals) {
  init_crypto();
  const MessageId id = make_message_id(1'700'000'000'000);
  const std::string text = format_uuid(id);
  EXPECT_EQ(parse_uuid(text), id);
  EXPECT_FALSE(parse_uuid(text.substr(1)));
  EXPECT_FALSE(parse_uuid(text + "0"));
  EXPECT_FALSE(parse_uuid("00000000-0000-4000-8000-000000000000")) << "version 4";
  EXPECT_FALSE(parse_uuid("0192f0c1x89ab-7cde-8123-456789abcdef"));
  EXPECT_FALSE(parse_uuid("0192f0c1-89ab-7cde-8123-456789abcdeg"));
  EXPECT_TRUE(parse_uuid("0192F0C1-89AB-7CDE-8123-456789ABCDEF"));
}

TEST(user_id, textual_form_round_trips_and_rejects_the_rest) {
  const UserId user(0xFFFFFFFFFFFFFFFF);
  EXPECT_EQ(parse_user_id(format_user_id(user)), user);
  for (const char* text : {"id:", "id:0", "id:x", "id:1x", "1", "id:18446744073709551616", "id:-1"}) {
    EXPECT_FALSE(parse_user_id(text)) << text;
  }
}

}  // namespace
}  // namespace godwit::cli
