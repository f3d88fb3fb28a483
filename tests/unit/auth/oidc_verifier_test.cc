#include "auth/oidc_verifier.h"

#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "test_tokens.h"

namespace godwit::auth {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string kProvider = "https://id.example";
const std::string kJwksUrl = "https://id.example/keys";

// Stands for the issuer's web server.
class FakeIssuer {
 public:
  void serve(const std::string& url, Result<std::string> answer) {
    const std::lock_guard lock(mutex_);
    answers_.insert_or_assign(url, std::move(answer));
  }
  void block(bool blocked) {
    {
      const std::lock_guard lock(mutex_);
      blocked_ = blocked;
    }
    changed_.notify_all();
  }
  OidcVerifier::Fetch fetch() {
    return [this](const std::string& url) -> Result<std::string> {
      std::unique_lock lock(mutex_);
      times_.push_back(steady_clock::now());
      changed_.notify_all();
      changed_.wait(lock, [this] { return !blocked_; });
      const auto it = answers_.find(url);
      if (it == answers_.end()) return Error(Errc::internal, "no such page");
      return it->second;
    };
  }
  std::size_t fetches() const {
    const std::lock_guard lock(mutex_);
    return times_.size();
  }
  bool wait_for_fetches(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, milliseconds(10'000), [&] { return times_.size() >= count; });
  }
  milliseconds shortest_gap() const {
    const std::lock_guard lock(mutex_);
    milliseconds shortest(1'000'000);
    for (std::size_t i = 1; i < times_.size(); ++i) {
      shortest = std::min(shortest, std::chrono::duration_cast<milliseconds>(times_[i] - times_[i - 1]));
    }
    return shortest;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Result<std::string>> answers_;
  std::deque<steady_clock::time_point> times_;
  bool blocked_ = false;
};

class OidcVerifierTest : public testing::Test {
 protected:
  OidcVerifier::Options options() const {
    OidcVerifier::Options o;
    o.issuer = kProvider;
    o.audience = "godwit";
    o.jwks_url = kJwksUrl;
    o.min_refresh_gap_ms = 100;
    return o;
  }
  json claims() const {
    return {{"iss", kProvider}, {"aud", "godwit"},  {"sub", "u-1"}, {"preferred_username", "alice"},
            {"iat", kNow},    {"exp", kNow + 600}};
  }
  static bool wait_for(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }

  FakeIssuer issuer_;
};

TEST_F(OidcVerifierTest, tokens_of_every_algorithm_verify_against_the_fetched_keys) {
  const TestSigner signers[] = {TestSigner::eddsa("ed"), TestSigner::es256("ec"), TestSigner::rs256("rsa")};
  json keys = json::array();
  for (const auto& signer : signers) keys.push_back(json::parse(signer.verify_key().jwk_json()));
  issuer_.serve(kJwksUrl, json{{"keys", keys}}.dump());
  OidcVerifier verifier(options(), issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  EXPECT_EQ(verifier.stats().keys, 3U);
  for (const auto& signer : signers) {
    const auto result = verifier.verify(signer.token(claims()), kNow);
    ASSERT_TRUE(result.ok()) << result.error().detail;
    EXPECT_TRUE(result->external);
    EXPECT_EQ(result->handle, "alice");
    EXPECT_EQ(result->subject, "u-1");
  }
}

TEST_F(OidcVerifierTest, thumbprint_of_the_bound_key_is_kept) {
  const auto signer = TestSigner::es256("ec");
  const auto device = Ed25519Key::generate();
  issuer_.serve(kJwksUrl, signer.jwks());
  OidcVerifier verifier(options(), issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  json c = claims();
  c["cnf"] = {{"jkt", ed25519_thumbprint(device.public_key)}};
  const auto result = verifier.verify(signer.token(c), kNow);
  ASSERT_TRUE(result.ok()) << result.error().detail;
  EXPECT_EQ(result->key_thumbprint, ed25519_thumbprint(device.public_key));
  EXPECT_TRUE(is_bound_to(*result, device.public_key));
}

TEST_F(OidcVerifierTest, expired_foreign_and_forged_tokens_are_refused) {
  const auto signer = TestSigner::rs256("k");
  issuer_.serve(kJwksUrl, signer.jwks());
  OidcVerifier verifier(options(), issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  EXPECT_EQ(verifier.verify(signer.token(claims()), kNow + 700).error().code, Errc::token_expired);
  json c = claims();
  c["aud"] = "other";
  EXPECT_EQ(verifier.verify(signer.token(c), kNow).error().code, Errc::token_invalid);
  c = claims();
  c["iss"] = "https://evil.example";
  EXPECT_EQ(verifier.verify(signer.token(c), kNow).error().code, Errc::token_invalid);
  EXPECT_EQ(verifier.verify(TestSigner::rs256("k").token(claims()), kNow).error().detail,
            "the signature is wrong");
  EXPECT_EQ(verifier.verify("garbage", kNow).error().code, Errc::token_invalid);
}

TEST_F(OidcVerifierTest, discovery_leads_to_the_keys) {
  const auto signer = TestSigner::eddsa("k");
  issuer_.serve(kProvider + "/.well-known/openid-configuration",
                json{{"issuer", kProvider}, {"jwks_uri", "https://keys.example/jwks"}}.dump());
  issuer_.serve("https://keys.example/jwks", signer.jwks());
  auto o = options();
  o.jwks_url.clear();
  OidcVerifier verifier(o, issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  EXPECT_TRUE(verifier.verify(signer.token(claims()), kNow).ok());
}

TEST_F(OidcVerifierTest, discovery_of_another_issuer_or_without_tls_is_refused) {
  issuer_.serve("http://keys.example/jwks", TestSigner::eddsa("k").jwks());
  issuer_.serve("https://keys.example/jwks", TestSigner::eddsa("k").jwks());
  for (const json& document :
       {json{{"issuer", "https://evil.example"}, {"jwks_uri", "https://keys.example/jwks"}},
        json{{"issuer", kProvider + "/"}, {"jwks_uri", "https://keys.example/jwks"}},
        json{{"issuer", kProvider}, {"jwks_uri", "http://keys.example/jwks"}},
        json{{"issuer", kProvider}, {"jwks_uri", "file:///etc/passwd"}}, json{{"issuer", kProvider}},
        json::array()}) {
    issuer_.serve(kProvider + "/.well-known/openid-configuration", document.dump());
    auto o = options();
    o.jwks_url.clear();
    OidcVerifier verifier(o, issuer_.fetch());
    ASSERT_TRUE(wait_for([&] { return verifier.stats().failures >= 1; })) << document;
    EXPECT_FALSE(verifier.ready());
  }
}

TEST_F(OidcVerifierTest, unknown_key_is_fetched_soon_and_then_verifies) {
  const auto old_key = TestSigner::eddsa("old");
  const auto new_key = TestSigner::eddsa("new");
  issuer_.serve(kJwksUrl, old_key.jwks());
  OidcVerifier verifier(options(), issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  issuer_.serve(kJwksUrl, new_key.jwks());

  const auto first = verifier.verify(new_key.token(claims()), kNow);
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(first.error().code, Errc::token_invalid);
  EXPECT_GT(first.error().retry_after_ms, 0U);
  EXPECT_LE(first.error().retry_after_ms, 1100U);
  ASSERT_TRUE(wait_for([&] { return verifier.verify(new_key.token(claims()), kNow).ok(); }));
  EXPECT_FALSE(verifier.verify(old_key.token(claims()), kNow).ok());  // the issuer withdrew it
}

TEST_F(OidcVerifierTest, flood_of_unknown_keys_costs_at_most_one_fetch_a_gap) {
  const auto signer = TestSigner::eddsa("k");
  const auto stranger = TestSigner::eddsa("stranger");
  issuer_.serve(kJwksUrl, signer.jwks());
  OidcVerifier verifier(options(), issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  const std::string token = stranger.token(claims());
  const auto end = steady_clock::now() + milliseconds(450);
  while (steady_clock::now() < end) EXPECT_FALSE(verifier.verify(token, kNow).ok());
  EXPECT_GE(issuer_.fetches(), 2U);
  EXPECT_LE(issuer_.fetches(), 6U);
  EXPECT_GE(issuer_.shortest_gap().count(), 99);
}

TEST_F(OidcVerifierTest, tokens_that_no_key_could_verify_cause_no_fetch) {
  const auto signer = TestSigner::eddsa("k");
  issuer_.serve(kJwksUrl, signer.jwks());
  auto o = options();
  o.min_refresh_gap_ms = 1;
  OidcVerifier verifier(o, issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  json header = {{"alg", "none"}, {"kid", "unknown"}};
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(verifier.verify(signer.token(header, claims()), kNow).ok());
    EXPECT_FALSE(verifier.verify("garbage", kNow).ok());
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(issuer_.fetches(), 1U);
}

TEST_F(OidcVerifierTest, failed_refresh_keeps_the_keys) {
  const auto signer = TestSigner::eddsa("k");
  issuer_.serve(kJwksUrl, signer.jwks());
  auto o = options();
  o.min_refresh_gap_ms = 10;
  o.refresh_interval_ms = 20;
  OidcVerifier verifier(o, issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  for (const Result<std::string>& bad :
       {Result<std::string>(Error(Errc::internal, "down")), Result<std::string>(std::string("<html>")),
        Result<std::string>(std::string(R"({"keys":[]})"))}) {
    issuer_.serve(kJwksUrl, bad);
    const auto before = verifier.stats().failures;
    ASSERT_TRUE(wait_for([&] { return verifier.stats().failures >= before + 2; }));
    EXPECT_TRUE(verifier.verify(signer.token(claims()), kNow).ok());
  }
}

TEST_F(OidcVerifierTest, keys_are_refreshed_at_intervals) {
  issuer_.serve(kJwksUrl, TestSigner::eddsa("k").jwks());
  auto o = options();
  o.min_refresh_gap_ms = 10;
  o.refresh_interval_ms = 20;
  OidcVerifier verifier(o, issuer_.fetch());
  EXPECT_TRUE(wait_for([&] { return verifier.stats().refreshes >= 4; }));
}

TEST_F(OidcVerifierTest, failures_are_retried_less_and_less_often) {
  auto o = options();
  o.min_refresh_gap_ms = 20;
  OidcVerifier verifier(o, issuer_.fetch());  // serves nothing
  ASSERT_TRUE(issuer_.wait_for_fetches(3));
  std::this_thread::sleep_for(milliseconds(300));
  // 20 + 40 + 80 + 160 + 320 ms: at a constant 20 ms there would be 15 and more.
  EXPECT_LE(issuer_.fetches(), 6U);
}

TEST_F(OidcVerifierTest, verify_does_not_wait_for_a_fetch_that_hangs) {
  const auto signer = TestSigner::eddsa("k");
  issuer_.serve(kJwksUrl, signer.jwks());
  auto o = options();
  o.min_refresh_gap_ms = 10;
  o.refresh_interval_ms = 30;
  OidcVerifier verifier(o, issuer_.fetch());
  ASSERT_TRUE(wait_for([&] { return verifier.ready(); }));
  issuer_.block(true);
  ASSERT_TRUE(issuer_.wait_for_fetches(issuer_.fetches() + 1));
  EXPECT_TRUE(verifier.verify(signer.token(claims()), kNow).ok());
  EXPECT_FALSE(verifier.verify(TestSigner::eddsa("x").token(claims()), kNow).ok());
  issuer_.block(false);
}

TEST_F(OidcVerifierTest, before_the_first_fetch_nothing_verifies) {
  issuer_.block(true);
  const auto signer = TestSigner::eddsa("k");
  OidcVerifier verifier(options(), issuer_.fetch());
  EXPECT_FALSE(verifier.ready());
  const auto result = verifier.verify(signer.token(claims()), kNow);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Errc::token_invalid);
  EXPECT_GT(result.error().retry_after_ms, 0U);
  issuer_.block(false);
}

TEST_F(OidcVerifierTest, senseless_options_refuse_to_start) {
  const auto refuses = [this](auto change) {
    auto o = options();
    change(o);
    EXPECT_THROW(OidcVerifier(o, issuer_.fetch()), std::runtime_error);
  };
  refuses([](auto& o) { o.issuer = ""; });
  refuses([](auto& o) { o.audience = ""; });
  refuses([](auto& o) { o.handle_claim = ""; });
  refuses([](auto& o) { o.jwks_url = "ftp://id.example/keys"; });
  refuses([](auto& o) { o.min_refresh_gap_ms = 0; });
  refuses([](auto& o) { o.refresh_interval_ms = 1; });
}

}  // namespace
}  // namespace godwit::auth
