#include "auth/jwt.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "auth/key_set.h"
#include "test_tokens.h"

namespace godwit::auth {
namespace {

using nlohmann::json;

const std::string kIssuer = "https://chat.example";
const std::string kAudience = "godwit";

class JwtTest : public testing::Test {
 protected:
  JwtTest() { keys_.add(signer_.verify_key()); }

  json claims() const {
    return {
        {"iss", kIssuer},
        {"aud", kAudience},
        {"sub", "18446744073709551615"},
        {"did", 3},
        {"cnf", {{"jwk", {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base64url_encode(device_.public_key)}}}}},
        {"iat", kNow - 10},
        {"exp", kNow + 900}};
  }

  Result<Claims> verify(const std::string& token, std::int64_t now = kNow) const {
    const auto parts = split_token(token);
    if (!parts) return parts.error();
    const VerifyKey* key = keys_.find(parts->kid);
    if (key == nullptr) return Error(Errc::token_invalid, "test: unknown key");
    return verify_token(*parts, *key, policy_, now);
  }

  Result<Claims> verify_changed(const std::function<void(json&)>& change) const {
    json c = claims();
    change(c);
    return verify(signer_.token(c));
  }

  void expect_invalid(const Result<Claims>& result, const std::string& what) const {
    ASSERT_FALSE(result.ok()) << what;
    EXPECT_EQ(result.error().code, Errc::token_invalid) << what;
    EXPECT_NE(result.error().detail, "test: unknown key") << what;
  }

  Ed25519Key device_ = Ed25519Key::generate();
  TestSigner signer_ = TestSigner::eddsa("k1");
  KeySet keys_;
  TokenPolicy policy_{kIssuer, kAudience, 30, false, {}};
};

TEST_F(JwtTest, good_token_gives_its_claims) {
  const auto result = verify(signer_.token(claims()));
  ASSERT_TRUE(result.ok()) << result.error().detail;
  EXPECT_EQ(result->issuer, kIssuer);
  EXPECT_EQ(result->user, UserId(std::numeric_limits<std::uint64_t>::max()));
  EXPECT_EQ(result->device, DeviceId(3));
  EXPECT_EQ(result->device_key, device_.public_key);
  EXPECT_EQ(result->audience, std::vector<std::string>{kAudience});
  EXPECT_EQ(result->issued_s, kNow - 10);
  EXPECT_EQ(result->expires_s, kNow + 900);
  EXPECT_FALSE(result->external);
}

TEST_F(JwtTest, audience_list_that_has_ours_is_accepted) {
  EXPECT_TRUE(verify_changed([](json& c) { c["aud"] = {"other", kAudience}; }).ok());
}

TEST_F(JwtTest, alg_none_is_refused_with_and_without_signature) {
  for (const char* alg : {"none", "None", "NONE", "nOnE"}) {
    json header = signer_.header();
    header["alg"] = alg;
    const std::string signed_token = signer_.token(header, claims());
    expect_invalid(verify(signed_token), alg);
    expect_invalid(verify(signed_token.substr(0, signed_token.rfind('.') + 1)), alg);
  }
}

TEST_F(JwtTest, hmac_with_the_public_key_as_secret_is_refused) {
  const std::string jwk = signer_.verify_key().jwk_json();
  const std::string raw = json::parse(jwk)["x"];
  for (const std::string& secret : {jwk, raw, base64url_decode(raw).value()}) {
    json header = signer_.header();
    header["alg"] = "HS256";
    const std::string input = base64url_encode(header.dump()) + "." + base64url_encode(claims().dump());
    expect_invalid(verify(input + "." + base64url_encode(hmac_sha256(secret, input))), "HS256");
  }
}

TEST_F(JwtTest, algorithm_of_another_key_type_is_refused_even_with_a_valid_signature) {
  const auto ec = TestSigner::es256("ec");
  const auto rsa = TestSigner::rs256("rsa");
  keys_.add(ec.verify_key());
  keys_.add(rsa.verify_key());
  for (const TestSigner* signer : std::initializer_list<const TestSigner*>{&signer_, &ec, &rsa}) {
    EXPECT_TRUE(verify(signer->token(claims())).ok());
    for (const char* alg : {"EdDSA", "ES256", "RS256"}) {
      json header = signer->header();
      if (header["alg"] == alg) continue;
      header["alg"] = alg;  // signed by the key's own algorithm all the same
      expect_invalid(verify(signer->token(header, claims())), alg);
    }
    for (const char* other : {"k1", "ec", "rsa"}) {
      json header = signer->header();
      if (header["kid"] == other) continue;
      header["kid"] = other;
      expect_invalid(verify(signer->token(header, claims())), other);
    }
  }
}

TEST_F(JwtTest, every_flipped_bit_and_every_truncation_of_the_signature_is_refused) {
  for (const auto& signer :
       {TestSigner::eddsa("s-ed"), TestSigner::es256("s-ec"), TestSigner::rs256("s-rsa")}) {
    keys_.add(signer.verify_key());
    const std::string token = signer.token(claims());
    const std::string input = token.substr(0, token.rfind('.') + 1);
    const std::string signature = base64url_decode(token.substr(input.size())).value();
    for (std::size_t bit = 0; bit < signature.size() * 8; bit += 7) {
      std::string bad = signature;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      expect_invalid(verify(input + base64url_encode(bad)), "bit");
    }
    for (std::size_t size = 0; size < signature.size(); size += 5) {
      expect_invalid(verify(input + base64url_encode(signature.substr(0, size))), "truncated");
    }
    expect_invalid(verify(input + base64url_encode(signature + '\0')), "longer");
  }
}

TEST_F(JwtTest, changed_payload_is_refused) {
  const std::string token = signer_.token(claims());
  json other = claims();
  other["sub"] = "1";
  const std::string forged =
      token.substr(0, token.find('.') + 1) + base64url_encode(other.dump()) + token.substr(token.rfind('.'));
  expect_invalid(verify(forged), "payload");
}

TEST_F(JwtTest, tokens_of_any_other_shape_are_refused) {
  const std::string token = signer_.token(claims());
  const std::string bad[] = {"",
                             ".",
                             "..",
                             "...",
                             "a.b",
                             token + ".",
                             token + ".a",
                             "." + token,
                             token + "=",
                             token + "\n",
                             " " + token,
                             token + "A",
                             token.substr(0, token.rfind('.')),
                             std::string(100, '.'),
                             "Bearer " + token};
  for (const std::string& text : bad) expect_invalid(verify(text), text);
}

TEST_F(JwtTest, token_beyond_the_size_limit_is_refused) {
  const auto padded = [this](std::size_t size) {
    json c = claims();
    c["pad"] = std::string(size, 'x');
    return signer_.token(c);
  };
  std::size_t pad = 0;
  while (padded(pad + 1).size() <= kMaxTokenBytes) ++pad;
  EXPECT_GE(padded(pad).size(), kMaxTokenBytes - 1);
  EXPECT_TRUE(verify(padded(pad)).ok());
  const auto over = verify(padded(pad + 1));
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().detail, "the token is too long");
}

TEST_F(JwtTest, header_faults_are_refused) {
  const std::string payload = claims().dump();
  const std::string bad[] = {
      "",
      "[]",
      "null",
      R"("EdDSA")",
      "{}",
      R"({"alg":"EdDSA"})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":""})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":7})",
      R"({"alg":["EdDSA"],"typ":"at+jwt","kid":"k1"})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1","crit":["b64"],"b64":false})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1","crit":[]})",
      R"({"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"k1"})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1","kid":"k1"})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1","\u0061lg":"EdDSA"})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1","x":[[1]]})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1"} {})",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1",})",
      R"({"alg":"EdDSA","typ":1,"kid":"k1"})",
      R"({"alg":"EdDSA","typ":"JWT","kid":"k1"})",
      R"({"alg":"EdDSA","kid":"k1"})",
      R"({"alg":"EdDSA","typ":"dpop+jwt","kid":"k1"})",
      "\xEF\xBB\xBF"
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1"})",
      "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"k1\",\"x\":\"\xFF\"}",
      std::string(R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1"})") + '\0' + "x",
      R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1","x":")" + std::string(kMaxTokenHeaderBytes, 'x') + R"("})",
  };
  for (const std::string& header : bad) expect_invalid(verify(signer_.raw_token(header, payload)), header);
  EXPECT_TRUE(
      verify(signer_.raw_token(R"({"kid":"k1","typ":"application/AT+JWT","alg":"EdDSA"})", payload)).ok());
}

TEST_F(JwtTest, payload_that_is_not_one_strict_object_is_refused) {
  const std::string good = claims().dump();
  const std::string with_duplicate = R"({"sub":"1",)" + good.substr(1);
  const std::string deep = R"({"x":)" + std::string(20, '[') + std::string(20, ']') + "," + good.substr(1);
  const std::string nested_duplicate = R"({"x":{"a":1,"a":2},)" + good.substr(1);
  for (const std::string& payload : {std::string(), std::string("[]"), good + good, with_duplicate, deep,
                                     nested_duplicate, good + std::string(1, '\0')}) {
    expect_invalid(verify(signer_.raw_token(signer_.header().dump(), payload)), payload);
  }
}

TEST_F(JwtTest, equal_names_in_different_objects_are_no_duplicates) {
  EXPECT_TRUE(verify_changed([](json& c) {
                c["x"] = {{"sub", 1}, {"y", {{"sub", 2}}}, {"z", {{{"sub", 3}}, {{"sub", 4}}}}};
              }).ok());
}

TEST_F(JwtTest, wrong_issuer_is_refused) {
  for (const json& issuer :
       {json("https://evil.example"), json(kIssuer + "/"), json(""), json(nullptr), json(1), json{kIssuer}}) {
    expect_invalid(verify_changed([&](json& c) { c["iss"] = issuer; }), issuer.dump());
  }
  expect_invalid(verify_changed([](json& c) { c.erase("iss"); }), "none");
}

TEST_F(JwtTest, wrong_audience_is_refused) {
  for (const json& audience : {json("other"), json::array(), json{"a", "b"}, json(1), json{kAudience, 1},
                               json::object(), json(std::vector<std::string>(17, kAudience))}) {
    expect_invalid(verify_changed([&](json& c) { c["aud"] = audience; }), audience.dump());
  }
  expect_invalid(verify_changed([](json& c) { c.erase("aud"); }), "none");
}

TEST_F(JwtTest, expiry_is_exact_to_the_leeway) {
  const std::string token = signer_.token(claims());
  EXPECT_TRUE(verify(token, kNow + 900 + 29).ok());
  const auto late = verify(token, kNow + 900 + 30);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Errc::token_expired);
}

TEST_F(JwtTest, forged_expired_token_is_invalid_rather_than_expired) {
  const std::string token = signer_.token(claims());
  std::string forged = token;
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  expect_invalid(verify(forged, kNow + 10'000), "forged");
  json other = claims();
  other["aud"] = "other";
  expect_invalid(verify(signer_.token(other), kNow + 10'000), "audience");
}

TEST_F(JwtTest, not_before_in_the_future_is_refused_beyond_the_leeway) {
  EXPECT_TRUE(verify_changed([](json& c) { c["nbf"] = kNow + 30; }).ok());
  expect_invalid(verify_changed([](json& c) { c["nbf"] = kNow + 31; }), "nbf");
}

TEST_F(JwtTest, times_that_are_missing_or_no_dates_are_refused) {
  expect_invalid(verify_changed([](json& c) { c.erase("exp"); }), "no exp");
  const json bad[] = {json("1700000900"),
                      json(nullptr),
                      json(-1),
                      json(true),
                      json(1e300),
                      json(std::numeric_limits<std::int64_t>::max()),
                      json(std::numeric_limits<std::uint64_t>::max())};
  for (const char* name : {"exp", "nbf", "iat"}) {
    for (const json& value : bad) {
      expect_invalid(verify_changed([&](json& c) { c[name] = value; }), name + value.dump());
    }
  }
  EXPECT_TRUE(verify_changed([](json& c) { c["exp"] = static_cast<double>(kNow) + 0.5; }).ok());
}

TEST_F(JwtTest, subject_that_is_not_one_user_id_is_refused) {
  for (const char* subject :
       {"", "0", "01", "-1", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616", "alice"}) {
    expect_invalid(verify_changed([&](json& c) { c["sub"] = subject; }), subject);
  }
  expect_invalid(verify_changed([](json& c) { c["sub"] = 1; }), "number");
  expect_invalid(verify_changed([](json& c) { c.erase("sub"); }), "none");
}

TEST_F(JwtTest, device_id_out_of_range_is_refused) {
  for (const json& device : {json(0), json(-1), json(4294967296), json("1"), json(1.0), json(nullptr)}) {
    expect_invalid(verify_changed([&](json& c) { c["did"] = device; }), device.dump());
  }
  expect_invalid(verify_changed([](json& c) { c.erase("did"); }), "none");
}

TEST_F(JwtTest, key_binding_that_is_missing_or_not_understood_is_refused) {
  expect_invalid(verify_changed([](json& c) { c.erase("cnf"); }), "none");
  for (const json& cnf : {json(nullptr), json::object(), json("x"), json{{"kid", "x"}},
                          json{{"jwk", nullptr}}, json{{"jwk", {{"kty", "OKP"}, {"crv", "Ed25519"}}}},
                          json{{"jkt", "short"}}, json{{"jkt", ed25519_thumbprint(device_.public_key)}}}) {
    expect_invalid(verify_changed([&](json& c) { c["cnf"] = cnf; }), cnf.dump());
  }
  expect_invalid(verify_changed([](json& c) { c["cnf"]["jwk"]["crv"] = "X25519"; }), "curve");
  expect_invalid(
      verify_changed([](json& c) { c["cnf"]["jwk"]["x"] = base64url_encode(std::string(31, 'x')); }), "x");
}

TEST_F(JwtTest, token_is_bound_to_its_device_key_and_to_no_other) {
  const auto result = verify(signer_.token(claims()));
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(is_bound_to(*result, device_.public_key));
  EXPECT_FALSE(is_bound_to(*result, Ed25519Key::generate().public_key));
  EXPECT_FALSE(is_bound_to(*result, ""));
  EXPECT_FALSE(is_bound_to(*result, device_.public_key.substr(1)));
}

TEST_F(JwtTest, binding_by_thumbprint_holds_for_that_key_alone) {
  Claims claims;
  EXPECT_FALSE(is_bound_to(claims, device_.public_key));
  claims.key_thumbprint = ed25519_thumbprint(device_.public_key);
  EXPECT_TRUE(is_bound_to(claims, device_.public_key));
  EXPECT_FALSE(is_bound_to(claims, Ed25519Key::generate().public_key));
  claims.device_key = Ed25519Key::generate().public_key;  // both given, and they contradict each other
  EXPECT_FALSE(is_bound_to(claims, device_.public_key));
}

TEST_F(JwtTest, external_token_names_its_account_by_the_handle_claim_or_the_subject) {
  policy_.external = true;
  policy_.handle_claim = "preferred_username";
  json c = {{"iss", kIssuer},
            {"aud", kAudience},
            {"sub", "u-1"},
            {"exp", kNow + 60},
            {"preferred_username", "alice"}};
  for (const char* type : {"JWT", "at+jwt", ""}) {
    json header = signer_.header();
    header["typ"] = type;
    if (*type == '\0') header.erase("typ");
    const auto result = verify(signer_.token(header, c));
    ASSERT_TRUE(result.ok()) << type;
    EXPECT_EQ(result->handle, "alice");
    EXPECT_TRUE(result->external);
    EXPECT_FALSE(result->user);
  }
  c["preferred_username"] = "";
  EXPECT_EQ(verify(signer_.token(c))->handle, "u-1");
  c.erase("preferred_username");
  EXPECT_EQ(verify(signer_.token(c))->handle, "u-1");
  c.erase("sub");
  expect_invalid(verify(signer_.token(c)), "nobody");
}

TEST_F(JwtTest, external_token_made_for_another_purpose_is_refused) {
  policy_.external = true;
  policy_.handle_claim = "sub";
  for (const char* type : {"logout+jwt", "dpop+jwt", "secevent+jwt"}) {
    json header = signer_.header();
    header["typ"] = type;
    expect_invalid(verify(signer_.token(header, claims())), type);
  }
}

}  // namespace
}  // namespace godwit::auth
