// Every bound exceeded once, and every combination that is refused.
#include "config/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "config/option.h"

namespace godwit::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> faults_with(const Option& option, const Value& value) {
  Config config;
  option.set(config, value);
  return validate(config);
}

std::vector<std::string> faults_after(const std::function<void(Config&)>& change) {
  Config config;
  change(config);
  return validate(config);
}

TEST(ConfigValidate, defaults_have_no_fault) {
  EXPECT_THAT(validate(Config{}), IsEmpty());
}

TEST(ConfigValidate, integer_beyond_either_bound_is_refused) {
  for (const Option& option : options()) {
    if (option.type != OptionType::integer) continue;
    EXPECT_THAT(faults_with(option, option.min - 1), Contains(StartsWith(option.key() + ": ")))
        << option.key();
    EXPECT_THAT(faults_with(option, option.max + 1), Contains(StartsWith(option.key() + ": ")))
        << option.key();
  }
}

TEST(ConfigValidate, integer_at_either_bound_is_within) {
  for (const Option& option : options()) {
    if (option.type != OptionType::integer) continue;
    for (const std::int64_t number : {option.min, option.max}) {
      // Other options may now contradict it; the bound itself is not the complaint.
      EXPECT_THAT(faults_with(option, number), Not(Contains(HasSubstr("imum ")))) << option.key();
    }
  }
}

TEST(ConfigValidate, largest_and_smallest_integer_everywhere_is_refused_without_overflow) {
  for (const std::int64_t number : {INT64_MIN, INT64_MAX}) {
    Config config;
    std::size_t integers = 0;
    for (const Option& option : options()) {
      if (option.type != OptionType::integer) continue;
      option.set(config, number);
      ++integers;
    }
    EXPECT_EQ(validate(config).size(), integers);
  }
}

TEST(ConfigValidate, string_beyond_the_length_limit_is_refused) {
  for (const Option& option : options()) {
    const std::string fault = option.key() + ": longer than 4096 bytes";
    const std::string text(kMaxStringBytes + 1, 'a');
    if (option.type == OptionType::string) {
      EXPECT_THAT(faults_with(option, text), Contains(fault));
    } else if (option.type == OptionType::string_list) {
      EXPECT_THAT(faults_with(option, std::vector<std::string>{text}), Contains(fault));
    }
  }
}

TEST(ConfigValidate, string_with_a_control_character_is_refused) {
  for (const Option& option : options()) {
    if (option.type != OptionType::string) continue;
    EXPECT_THAT(faults_with(option, std::string("a\nb")),
                Contains(option.key() + ": holds a control character"));
  }
}

TEST(ConfigValidate, empty_value_is_refused_where_the_default_is_not_empty) {
  for (const Option& option : options()) {
    const std::string fault = option.key() + ": may not be empty";
    if (option.type == OptionType::string) {
      const bool required = !std::get<std::string>(option.initial()).empty();
      EXPECT_EQ(faults_with(option, std::string()) == std::vector{fault}, required) << option.key();
    } else if (option.type == OptionType::string_list) {
      const bool required = !std::get<std::vector<std::string>>(option.initial()).empty();
      EXPECT_EQ(faults_with(option, std::vector<std::string>()) == std::vector{fault}, required)
          << option.key();
    }
  }
}

TEST(ConfigValidate, list_beyond_its_length_is_refused) {
  EXPECT_THAT(faults_after([](Config& c) { c.net.listen.assign(17, "127.0.0.1:1"); }),
              ElementsAre("net.listen: 17 items are more than the maximum 16"));
  EXPECT_THAT(faults_after([](Config& c) { c.net.trusted_proxies.assign(257, "10.0.0.1"); }),
              ElementsAre("net.trusted_proxies: 257 items are more than the maximum 256"));
}

TEST(ConfigValidate, item_that_stands_there_twice_is_refused) {
  EXPECT_THAT(faults_after([](Config& c) {
                c.net.listen = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:1"};
              }),
              ElementsAre(R"(net.listen: "127.0.0.1:1" stands there twice)"));
}

TEST(ConfigValidate, malformed_string_is_refused) {
  EXPECT_THAT(faults_after([](Config& c) { c.net.listen = {"8080"}; }),
              ElementsAre(HasSubstr("net.listen: \"8080\" is not an IP address and port")));
  EXPECT_THAT(faults_after([](Config& c) { c.admin.listen = "example.org:80"; }),
              ElementsAre(HasSubstr("admin.listen: \"example.org:80\" is not an IP address and port")));
  EXPECT_THAT(faults_after([](Config& c) { c.net.trusted_proxies = {"10.0.0.0/33"}; }),
              ElementsAre(HasSubstr("net.trusted_proxies: \"10.0.0.0/33\" is not a network")));
}

TEST(ConfigValidate, url_without_tls_beyond_loopback_is_refused) {
  EXPECT_THAT(faults_after([](Config& c) { c.account.verify_webhook_url = "http://sms.example/send"; }),
              ElementsAre(StartsWith("account.verify_webhook_url: ")));
  EXPECT_THAT(faults_after([](Config& c) { c.account.verify_webhook_url = "http://127.0.0.1:9/send"; }),
              IsEmpty());
  const auto oidc = [](Config& c) {
    c.auth.oidc_issuer = "https://id.example";
    c.auth.oidc_audience = "chat";
    c.auth.oidc_jwks_url = "https://id.example/jwks";
  };
  EXPECT_THAT(faults_after(oidc), IsEmpty());
  EXPECT_THAT(faults_after([&](Config& c) {
                oidc(c);
                c.auth.oidc_jwks_url = "http://id.example/jwks";
                c.auth.oidc_issuer = "id.example";
              }),
              ElementsAre(StartsWith("auth.oidc_issuer: "), StartsWith("auth.oidc_jwks_url: ")));
}

// Just enough for the smallest commits.
void small_frames(Config& config) {
  config.chat.max_commit_bytes = 1024;
  config.net.max_frame_bytes = 530000;
}

// One combination: what brings it about, and how its sentence begins.
struct Nonsense {
  const char* name;
  void (*change)(Config&);
  const char* fault;
};

class ConfigNonsense : public ::testing::TestWithParam<Nonsense> {};

TEST_P(ConfigNonsense, is_refused_with_a_sentence) {
  EXPECT_THAT(faults_after(GetParam().change), ElementsAre(StartsWith(GetParam().fault)));
}

INSTANTIATE_TEST_SUITE_P(
    all, ConfigNonsense,
    ::testing::Values(
        Nonsense{"certificate_without_key", [](Config& c) { c.net.tls_certificate = "a.pem"; },
                 "net.tls_certificate, net.tls_key: "},
        Nonsense{"key_without_certificate", [](Config& c) { c.net.tls_key = "a.pem"; },
                 "net.tls_certificate, net.tls_key: "},
        Nonsense{"plain_text_beyond_loopback",
                 [](Config& c) {
                   c.net.listen = {"127.0.0.1:80", "0.0.0.0:80"};
                 },
                 "net.listen, net.tls_certificate, net.allow_plaintext: 0.0.0.0:80 is beyond loopback"},
        Nonsense{"plain_text_beyond_loopback_by_ipv6", [](Config& c) { c.net.listen = {"[::]:80"}; },
                 "net.listen, net.tls_certificate, net.allow_plaintext: [::]:80 is beyond loopback"},
        Nonsense{"proxy_protocol_without_proxies", [](Config& c) { c.net.proxy_protocol = true; },
                 "net.proxy_protocol, net.trusted_proxies: "},
        Nonsense{"admin_beyond_loopback_without_token", [](Config& c) { c.admin.listen = "0.0.0.0:9100"; },
                 "admin.listen, admin.token: the admin interface is beyond loopback and open"},
        Nonsense{"admin_beyond_loopback_with_short_token",
                 [](Config& c) {
                   c.admin.listen = "0.0.0.0:9100";
                   c.admin.token = "123456789012345";
                 },
                 "admin.listen, admin.token: the admin interface is beyond loopback and its token"},
        Nonsense{"admin_and_clients_on_one_port", [](Config& c) { c.admin.listen = c.net.listen[0]; },
                 "admin.listen, net.listen: both are 127.0.0.1:8080"},
        Nonsense{"keepalive_default_below_minimum", [](Config& c) { c.session.keepalive_default_s = 14; },
                 "session.keepalive_min_s, session.keepalive_default_s, session.keepalive_max_s: "},
        Nonsense{"keepalive_default_above_maximum", [](Config& c) { c.session.keepalive_max_s = 239; },
                 "session.keepalive_min_s, session.keepalive_default_s, session.keepalive_max_s: "},
        Nonsense{"payload_larger_than_a_frame",
                 [](Config& c) {
                   c.chat.max_payload_bytes = 524288;
                   c.session.output_budget_bytes = 1 << 20;
                   small_frames(c);
                 },
                 "net.max_frame_bytes, chat.max_payload_bytes: "},
        Nonsense{"commit_larger_than_a_frame", [](Config& c) { c.net.max_frame_bytes = 6108511; },
                 "net.max_frame_bytes, chat.max_commit_bytes: "},
        Nonsense{"frame_larger_than_all_large_input", [](Config& c) { c.net.max_large_input_bytes = 6291455; },
                 "net.max_large_input_bytes, net.max_frame_bytes: "},
        Nonsense{"status_larger_than_a_frame",
                 [](Config& c) {
                   c.status.max_payload_bytes = 524288;
                   small_frames(c);
                 },
                 "net.max_frame_bytes, status.max_payload_bytes: "},
        Nonsense{"message_larger_than_the_window", [](Config& c) { c.session.window_bytes = 91479; },
                 "session.window_bytes, chat.max_payload_bytes: "},
        Nonsense{"message_larger_than_the_budget", [](Config& c) { c.session.output_budget_bytes = 91479; },
                 "session.output_budget_bytes, chat.max_payload_bytes: "},
        Nonsense{"delivery_larger_than_the_output", [](Config& c) { c.net.max_output_bytes = 5862751; },
                 "net.max_output_bytes, session.output_budget_bytes, chat.max_commit_bytes: "},
        Nonsense{"keys_larger_than_the_output",
                 [](Config& c) {
                   c.chat.max_commit_bytes = 1024;
                   c.net.max_output_bytes = 262144 + 1572864 + 1048576 - 1;
                 },
                 "net.max_output_bytes, session.output_budget_bytes, keys.max_claim_bytes: "},
        Nonsense{"page_of_the_key_log_larger_than_the_output",
                 [](Config& c) {
                   c.chat.max_commit_bytes = 1024;
                   c.keys.max_claim_bytes = 131072;
                   c.net.max_output_bytes = 262144 + 524288 + 1048576 - 1;
                 },
                 "net.max_output_bytes, session.output_budget_bytes, keys.max_claim_bytes: "},
        Nonsense{"commit_larger_than_a_segment", [](Config& c) { c.journal.segment_bytes = 4194304 + 196607; },
                 "journal.segment_bytes, chat.max_commit_bytes: "},
        Nonsense{"stock_low_when_full", [](Config& c) { c.keys.low_stock = c.keys.max_per_stock; },
                 "keys.low_stock, keys.max_per_stock: "},
        Nonsense{"oidc_without_audience",
                 [](Config& c) {
                   c.auth.oidc_issuer = "https://id.example";
                   c.auth.oidc_jwks_url = "https://id.example/jwks";
                 },
                 "auth.oidc_issuer, auth.oidc_audience: "},
        Nonsense{"oidc_keys_without_issuer",
                 [](Config& c) { c.auth.oidc_jwks_url = "https://id.example/jwks"; },
                 "auth.oidc_issuer, auth.oidc_jwks_url: "},
        Nonsense{"oidc_issuer_is_ours",
                 [](Config& c) {
                   c.auth.oidc_issuer = c.auth.issuer = "https://id.example";
                   c.auth.oidc_jwks_url = "https://id.example/jwks";
                   c.auth.oidc_audience = "chat";
                 },
                 "auth.issuer, auth.oidc_issuer: "},
        Nonsense{"token_outlives_key",
                 [](Config& c) {
                   c.auth.token_ttl_s = 3601;
                   c.auth.key_rotation_h = 1;
                 },
                 "auth.token_ttl_s, auth.key_rotation_h: "},
        Nonsense{"leeway_as_long_as_the_token", [](Config& c) { c.auth.token_ttl_s = c.auth.leeway_s; },
                 "auth.leeway_s, auth.token_ttl_s: "},
        Nonsense{"verified_without_webhook",
                 [](Config& c) { c.account.registration = Registration::verified; },
                 "account.registration, account.verify_webhook_url: "},
        Nonsense{"skew_as_long_as_the_window",
                 [](Config& c) {
                   c.chat.max_clock_skew_s = 3600;
                   c.chat.dedup_window_h = 1;
                 },
                 "chat.max_clock_skew_s, chat.dedup_window_h: "},
        Nonsense{"turn_server_without_secret", [](Config& c) { c.turn.servers = {"stun:a.example", "eu turn:b.example"}; },
                 "turn.servers, turn.secret: there is a TURN server and no secret"},
        Nonsense{"turn_secret_that_can_be_guessed",
                 [](Config& c) {
                   c.turn.servers = {"turns:b.example"};
                   c.turn.secret = "123456789012345";
                 },
                 "turn.servers, turn.secret: the secret can be guessed"},
        Nonsense{"push_secret_without_webhook", [](Config& c) { c.push.webhook_secret = "secret"; },
                 "push.webhook_url, push.webhook_secret: "},
        Nonsense{"partitions_no_power_of_two", [](Config& c) { c.storage.partitions = 255; },
                 "storage.partitions: 255 is not a power of two; the nearest are 128 and 256"},
        Nonsense{"checkpoint_smaller_than_a_segment",
                 [](Config& c) { c.journal.checkpoint_bytes = 67108863; },
                 "journal.checkpoint_bytes, journal.segment_bytes: "}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ConfigValidate, ice_server_that_is_none_is_refused) {
  EXPECT_THAT(faults_after([](Config& c) { c.turn.servers = {"stun:a.example", "http://b.example"}; }),
              ElementsAre(StartsWith("turn.servers: \"http://b.example\" is not a STUN or TURN URL")));
}

TEST(ConfigSense, neighbours_of_the_nonsense_are_accepted) {
  EXPECT_THAT(faults_after([](Config& c) {
                c.net.listen = {"0.0.0.0:443"};
                c.net.tls_certificate = "a.pem";
                c.net.tls_key = "b.pem";
                c.admin.listen = "0.0.0.0:9100";
                c.admin.token = "1234567890123456";
              }),
              IsEmpty());
  EXPECT_THAT(faults_after([](Config& c) {
                c.net.listen = {"0.0.0.0:80"};
                c.net.allow_plaintext = true;
                c.net.proxy_protocol = true;
                c.net.trusted_proxies = {"10.0.0.0/8", "fd00::/8"};
              }),
              IsEmpty());
  EXPECT_THAT(faults_after([](Config& c) {
                c.net.listen = {"127.0.0.1:0"};
                c.admin.listen = "127.0.0.1:0";
                c.session.keepalive_min_s = c.session.keepalive_default_s = c.session.keepalive_max_s = 60;
                c.session.window_bytes = c.session.output_budget_bytes = 91480;
                c.net.max_frame_bytes = c.net.max_large_input_bytes = 6108512;
                c.net.max_output_bytes = 91480 + 2 * (2 * 1398104 + 4096);
                c.journal.segment_bytes = 4194304 + 196608;
                c.journal.checkpoint_bytes = c.journal.segment_bytes;
                c.keys.max_claim_bytes = 2 * (c.net.max_output_bytes - 91480 - 1048576) / 3;
                c.account.registration = Registration::verified;
                c.account.verify_webhook_url = "https://sms.example/send";
                c.turn.servers = {"stun:a.example", "eu turn:b.example:3478?transport=udp"};
                c.turn.secret = "1234567890123456";
              }),
              IsEmpty());
}

}  // namespace
}  // namespace godwit::config
