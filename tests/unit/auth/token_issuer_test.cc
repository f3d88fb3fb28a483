#include "auth/token_issuer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "auth/key_set.h"
#include "base/secret_file.h"
#include "test_tokens.h"

namespace godwit::auth {
namespace {

using nlohmann::json;

constexpr std::int64_t kWeek = 7 * 24 * 3600;

class TokenIssuerTest : public testing::Test {
 protected:
  TokenIssuer::Options options() const {
    TokenIssuer::Options o;
    o.key_file = file_;
    return o;
  }
  std::string issue(const TokenIssuer& issuer, std::int64_t now) const {
    return issuer.issue(UserId(42), DeviceId(7), device_.public_key, now);
  }
  static std::string content(const std::string& path) {
    std::ifstream in(path);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static std::size_t public_keys(const TokenIssuer& issuer) {
    return json::parse(issuer.jwks_json())["keys"].size();
  }
  static unsigned mode(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777;
  }

  TempDir dir_;
  std::string file_ = dir_.file("token-keys.json");
  Ed25519Key device_ = Ed25519Key::generate();
};

TEST_F(TokenIssuerTest, issued_token_verifies_and_carries_the_binding) {
  const TokenIssuer issuer(options(), kNow);
  const auto claims = issuer.verify(issue(issuer, kNow), kNow);
  ASSERT_TRUE(claims.ok()) << claims.error().detail;
  EXPECT_EQ(claims->user, UserId(42));
  EXPECT_EQ(claims->device, DeviceId(7));
  EXPECT_EQ(claims->issued_s, kNow);
  EXPECT_EQ(claims->expires_s, kNow + 900);
  EXPECT_TRUE(is_bound_to(*claims, device_.public_key));
  EXPECT_FALSE(is_bound_to(*claims, Ed25519Key::generate().public_key));
}

TEST_F(TokenIssuerTest, token_has_the_documented_form) {
  const TokenIssuer issuer(options(), kNow);
  const std::string token = issue(issuer, kNow);
  const auto parts = split_token(token);
  ASSERT_TRUE(parts.ok());
  const json header = json::parse(base64url_decode(token.substr(0, token.find('.'))).value());
  EXPECT_EQ(header["alg"], "EdDSA");
  EXPECT_EQ(header["typ"], "at+jwt");
  const json payload = json::parse(parts->payload);
  EXPECT_EQ(payload["sub"], "42");
  EXPECT_EQ(payload["did"], 7);
  EXPECT_EQ(payload["cnf"]["jwk"]["x"], base64url_encode(device_.public_key));
  EXPECT_EQ(payload["jti"].get<std::string>().size(), 22U);
  EXPECT_NE(issue(issuer, kNow), token);  // another jti
  EXPECT_LT(token.size(), 600U);
}

TEST_F(TokenIssuerTest, jwks_alone_is_enough_to_verify) {
  const TokenIssuer issuer(options(), kNow);
  const auto keys = KeySet::parse(issuer.jwks_json());
  ASSERT_TRUE(keys.ok());
  const auto parts = split_token(issue(issuer, kNow));
  const VerifyKey* key = keys->find(parts->kid);
  ASSERT_NE(key, nullptr);
  EXPECT_TRUE(key->verify(parts->signing_input, parts->signature));
  EXPECT_EQ(issuer.jwks_json().find("\"d\""), std::string::npos);
}

TEST_F(TokenIssuerTest, device_key_of_a_wrong_length_gives_no_token) {
  const TokenIssuer issuer(options(), kNow);
  EXPECT_EQ(issuer.issue(UserId(1), DeviceId(1), "short", kNow), "");
}

TEST_F(TokenIssuerTest, expired_token_is_told_apart) {
  const TokenIssuer issuer(options(), kNow);
  const auto late = issuer.verify(issue(issuer, kNow), kNow + 900 + 30);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Errc::token_expired);
}

TEST_F(TokenIssuerTest, token_of_another_issuer_is_of_an_unknown_key) {
  const TokenIssuer issuer(options(), kNow);
  auto other_options = options();
  other_options.key_file = dir_.file("other.json");
  const TokenIssuer other(other_options, kNow);
  const auto result = issuer.verify(issue(other, kNow), kNow);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Errc::token_invalid);
  EXPECT_EQ(result.error().detail, "the key is unknown");
}

TEST_F(TokenIssuerTest, token_of_another_issuer_under_our_key_id_is_refused) {
  const TokenIssuer issuer(options(), kNow);
  const std::string kid = json::parse(issuer.jwks_json())["keys"][0]["kid"];
  const auto parts = split_token(issue(issuer, kNow));
  const auto impostor = TestSigner::eddsa(kid);
  const auto result = issuer.verify(impostor.token(json::parse(parts->payload)), kNow);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().detail, "the signature is wrong");
}

TEST_F(TokenIssuerTest, key_file_is_private_and_no_temporary_file_stays) {
  const mode_t mask = ::umask(0);
  TokenIssuer issuer(options(), kNow);
  EXPECT_EQ(mode(file_), 0600U);
  ASSERT_TRUE(issuer.rotate_if_due(kNow + kWeek));
  EXPECT_EQ(mode(file_), 0600U);
  ::umask(mask);
  EXPECT_FALSE(std::filesystem::exists(file_ + ".tmp"));
}

TEST_F(TokenIssuerTest, file_open_to_others_is_tightened) {
  { const TokenIssuer issuer(options(), kNow); }
  ASSERT_EQ(::chmod(file_.c_str(), 0644), 0);
  const TokenIssuer issuer(options(), kNow);
  EXPECT_EQ(mode(file_), 0600U);
}

TEST_F(TokenIssuerTest, keys_survive_a_restart) {
  std::string old_token;
  std::string token;
  std::string jwks;
  {
    TokenIssuer issuer(options(), kNow);
    old_token = issue(issuer, kNow + kWeek - 1);
    ASSERT_TRUE(issuer.rotate_if_due(kNow + kWeek));
    token = issue(issuer, kNow + kWeek);
    jwks = issuer.jwks_json();
  }
  const TokenIssuer issuer(options(), kNow + kWeek);
  EXPECT_EQ(issuer.jwks_json(), jwks);
  EXPECT_TRUE(issuer.verify(old_token, kNow + kWeek).ok());
  EXPECT_TRUE(issuer.verify(token, kNow + kWeek).ok());
}

TEST_F(TokenIssuerTest, rotation_keeps_the_old_key_until_its_last_token_has_expired) {
  TokenIssuer issuer(options(), kNow);
  EXPECT_FALSE(issuer.rotate_if_due(kNow + kWeek - 1));
  const std::int64_t rotated = kNow + kWeek;
  const std::string old_token = issue(issuer, rotated);
  ASSERT_TRUE(issuer.rotate_if_due(rotated));
  EXPECT_FALSE(issuer.rotate_if_due(rotated));
  EXPECT_EQ(public_keys(issuer), 2U);
  EXPECT_NE(split_token(issue(issuer, rotated))->kid, split_token(old_token)->kid);

  EXPECT_TRUE(issuer.verify(old_token, rotated + 900 + 29).ok());
  EXPECT_FALSE(issuer.rotate_if_due(rotated + 900 + 29));
  EXPECT_EQ(public_keys(issuer), 2U);

  EXPECT_FALSE(issuer.rotate_if_due(rotated + 900 + 30));
  EXPECT_EQ(public_keys(issuer), 1U);
  const auto gone = issuer.verify(old_token, rotated);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().detail, "the key is unknown");
  EXPECT_EQ(json::parse(content(file_))["retired"].size(), 0U);
}

TEST_F(TokenIssuerTest, retired_key_is_not_used_past_its_time_even_before_it_is_pruned) {
  auto o = options();
  o.ttl_s = 100;
  TokenIssuer issuer(o, kNow);
  const auto parts = split_token(issue(issuer, kNow));
  ASSERT_TRUE(issuer.rotate_if_due(kNow + kWeek));
  const auto result =
      issuer.verify(parts->signing_input + "." + base64url_encode(parts->signature), kNow + kWeek + 130);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().detail, "the key is unknown");
}

TEST_F(TokenIssuerTest, secret_half_of_a_retired_key_is_gone_from_the_file) {
  TokenIssuer issuer(options(), kNow);
  const std::string old_secret = json::parse(content(file_))["key"]["d"];
  ASSERT_TRUE(issuer.rotate_if_due(kNow + kWeek));
  const json file = json::parse(content(file_));
  EXPECT_EQ(file["retired"].size(), 1U);
  EXPECT_EQ(file.dump().find(old_secret), std::string::npos);
}

TEST_F(TokenIssuerTest, clock_that_jumped_ahead_and_back_does_not_stop_rotation) {
  { TokenIssuer issuer(options(), kNow + 520 * kWeek); }
  TokenIssuer issuer(options(), kNow);
  EXPECT_TRUE(issuer.rotate_if_due(kNow));
  EXPECT_TRUE(issuer.rotate_if_due(kNow + kWeek));
}

TEST_F(TokenIssuerTest, retired_keys_are_bounded) {
  TokenIssuer issuer(options(), kNow);
  for (int i = 1; i < 30; ++i) EXPECT_TRUE(issuer.rotate_if_due(kNow - i * kWeek));
  EXPECT_LE(public_keys(issuer), 9U);
  const TokenIssuer again(options(), kNow - 30 * kWeek);
  EXPECT_EQ(again.jwks_json(), issuer.jwks_json());
}

TEST_F(TokenIssuerTest, failed_write_keeps_the_old_key_and_is_tried_again) {
  TokenIssuer issuer(options(), kNow);
  const std::string before = issuer.jwks_json();
  // A directory in the place of the temporary file: it cannot be written, not even by root.
  ASSERT_TRUE(std::filesystem::create_directory(file_ + ".tmp"));
  EXPECT_FALSE(issuer.rotate_if_due(kNow + kWeek));
  EXPECT_EQ(issuer.jwks_json(), before);
  EXPECT_TRUE(issuer.verify(issue(issuer, kNow + kWeek), kNow + kWeek).ok());
  std::filesystem::remove(file_ + ".tmp");
  EXPECT_TRUE(issuer.rotate_if_due(kNow + kWeek));
}

TEST_F(TokenIssuerTest, stale_temporary_file_of_a_crash_is_replaced) {
  std::ofstream(file_ + ".tmp") << "half a file";
  const TokenIssuer issuer(options(), kNow);
  EXPECT_FALSE(std::filesystem::exists(file_ + ".tmp"));
  EXPECT_TRUE(issuer.verify(issue(issuer, kNow), kNow).ok());
}

TEST_F(TokenIssuerTest, damaged_or_newer_key_file_refuses_to_start_and_stays_as_it_is) {
  { const TokenIssuer issuer(options(), kNow); }
  const json good = json::parse(content(file_));
  std::vector<std::string> bad = {"", "{}", "not json", content(file_).substr(0, 100)};
  for (const char* patch :
       {R"({"version":2})", R"({"version":"1"})", R"({"key":null})", R"({"key":{"d":"AAAA"}})",
        R"({"key":{"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}})", R"({"created_s":null})",
        R"({"retired":{}})", R"({"retired":[{}]})"}) {
    json changed = good;
    changed.merge_patch(json::parse(patch));
    bad.push_back(changed.dump());
  }
  for (const std::string& text : bad) {
    std::ofstream(file_, std::ios::trunc) << text;
    EXPECT_THROW(TokenIssuer(options(), kNow), std::runtime_error) << text;
    EXPECT_EQ(content(file_), text);
  }
}

TEST_F(TokenIssuerTest, unusable_path_refuses_to_start) {
  auto o = options();
  o.key_file = dir_.file("missing/keys.json");
  EXPECT_THROW(TokenIssuer(o, kNow), std::runtime_error);
  o.key_file = dir_.file(".");
  EXPECT_THROW(TokenIssuer(o, kNow), std::runtime_error);
  std::ofstream(file_) << std::string(kMaxSecretFileBytes + 1, ' ');
  EXPECT_THROW(TokenIssuer(options(), kNow), std::runtime_error);
}

TEST_F(TokenIssuerTest, senseless_options_refuse_to_start) {
  const auto refuses = [this](auto change) {
    auto o = options();
    change(o);
    EXPECT_THROW(TokenIssuer(o, kNow), std::runtime_error);
  };
  refuses([](auto& o) { o.issuer = ""; });
  refuses([](auto& o) { o.audience = ""; });
  refuses([](auto& o) { o.ttl_s = 0; });
  refuses([](auto& o) { o.leeway_s = -1; });
  refuses([](auto& o) { o.rotate_after_s = o.ttl_s - 1; });
}

TEST_F(TokenIssuerTest, tokens_verify_on_several_threads_while_keys_rotate) {
  auto o = options();
  o.rotate_after_s = o.ttl_s;
  TokenIssuer issuer(o, kNow);
  std::atomic<int> failures{0};
  std::vector<std::thread> workers;
  for (int w = 0; w < 3; ++w) {
    workers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        if (!issuer.verify(issue(issuer, kNow), kNow).ok()) ++failures;
        if (issuer.jwks_json().empty()) ++failures;
      }
    });
  }
  // A clock that goes to and fro makes every call a rotation; no more of them than retired keys are kept, so
  // that a token must verify however late its thread gets to run.
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(issuer.rotate_if_due(i % 2 == 0 ? kNow - o.ttl_s : kNow));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(failures.load(), 0);
}

}  // namespace
}  // namespace godwit::auth
