#include "auth/key_set.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "auth/base64url.h"
#include "test_tokens.h"

namespace godwit::auth {
namespace {

using nlohmann::json;

std::string unbase64(const std::string& text) {
  return base64url_decode(text).value();
}

// RFC 7515 appendix A.2 and A.3 sign the same payload.
const char* const kRfc7515Payload =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const char* const kRfc7515Rsa =
    R"({"kty":"RSA","kid":"a2","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
const char* const kRfc7515RsaSignature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9uJdbF9CU"
    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_"
    "eSN9383LcOLn6_d"
    "O--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
    "cN_IoypGlUPQGe77Rw";
const char* const kRfc7515Ec =
    R"({"kty":"EC","crv":"P-256","kid":"a3","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
const char* const kRfc7515EcSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const char* const kRfc8037Okp =
    R"({"kty":"OKP","crv":"Ed25519","kid":"a4","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
const char* const kRfc8037Input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const char* const kRfc8037Signature =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

KeySet set_of(const std::string& jwk) {
  auto set = KeySet::parse(R"({"keys":[)" + jwk + "]}");
  EXPECT_TRUE(set.ok());
  return std::move(set).value();
}

TEST(KeySet, rfc7515_a2_rs256_signature_verifies) {
  const KeySet set = set_of(kRfc7515Rsa);
  ASSERT_EQ(set.size(), 1U);
  const VerifyKey& key = *set.find("a2");
  EXPECT_EQ(key.algorithm(), Algorithm::rs256);
  const std::string input = std::string("eyJhbGciOiJSUzI1NiJ9") + kRfc7515Payload;
  std::string signature = unbase64(kRfc7515RsaSignature);
  EXPECT_TRUE(key.verify(input, signature));
  EXPECT_FALSE(key.verify(input + "x", signature));
  signature.back() ^= 1;
  EXPECT_FALSE(key.verify(input, signature));
  signature.pop_back();
  EXPECT_FALSE(key.verify(input, signature));
}

TEST(KeySet, rfc7515_a3_es256_signature_verifies) {
  const KeySet set = set_of(kRfc7515Ec);
  ASSERT_EQ(set.size(), 1U);
  const VerifyKey& key = *set.find("a3");
  EXPECT_EQ(key.algorithm(), Algorithm::es256);
  const std::string input = std::string("eyJhbGciOiJFUzI1NiJ9") + kRfc7515Payload;
  std::string signature = unbase64(kRfc7515EcSignature);
  EXPECT_TRUE(key.verify(input, signature));
  EXPECT_FALSE(key.verify(input + "x", signature));
  signature[40] ^= 1;
  EXPECT_FALSE(key.verify(input, signature));
}

TEST(KeySet, es256_signature_of_zeros_or_wrong_length_is_refused) {
  const KeySet set = set_of(kRfc7515Ec);
  const VerifyKey& key = *set.find("a3");
  for (const std::size_t size : {0, 1, 32, 63, 64, 65, 96}) {
    EXPECT_FALSE(key.verify("input", std::string(size, '\0'))) << size;
  }
}

TEST(KeySet, rfc8037_a4_eddsa_signature_is_made_and_verifies) {
  const KeySet set = set_of(kRfc8037Okp);
  ASSERT_EQ(set.size(), 1U);
  const VerifyKey& key = *set.find("a4");
  EXPECT_EQ(key.algorithm(), Algorithm::eddsa);
  const auto signer = Ed25519Key::from_seed(unbase64("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
  EXPECT_EQ(base64url_encode(signer.public_key), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  EXPECT_EQ(base64url_encode(signer.sign(kRfc8037Input)), kRfc8037Signature);
  std::string signature = unbase64(kRfc8037Signature);
  EXPECT_TRUE(key.verify(kRfc8037Input, signature));
  signature.front() ^= 1;
  EXPECT_FALSE(key.verify(kRfc8037Input, signature));
}

TEST(KeySet, rfc8037_a3_thumbprint_matches) {
  EXPECT_EQ(set_of(kRfc8037Okp).find("a4")->thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  EXPECT_EQ(ed25519_thumbprint(unbase64("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST(KeySet, rfc7638_3_1_rsa_thumbprint_matches) {
  const KeySet set = set_of(
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})");
  ASSERT_EQ(set.size(), 1U);
  EXPECT_EQ(set.find("2011-04-29")->thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(KeySet, rendered_set_parses_to_the_same_keys) {
  KeySet set;
  ASSERT_TRUE(set.add(TestSigner::eddsa("ed").verify_key()));
  ASSERT_TRUE(set.add(TestSigner::es256("ec").verify_key()));
  ASSERT_TRUE(set.add(TestSigner::rs256("rsa \"quoted\"").verify_key()));
  const auto again = KeySet::parse(set.to_json());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->size(), 3U);
  EXPECT_EQ(again->to_json(), set.to_json());
  const json rendered = json::parse(set.to_json());
  ASSERT_EQ(rendered["keys"].size(), 3U);
  for (const json& jwk : rendered["keys"]) {
    EXPECT_FALSE(jwk.contains("d"));
    EXPECT_EQ(jwk["use"], "sig");
  }
}

// A change to a good key that makes it useless here.
class UselessKey : public testing::TestWithParam<std::pair<const char*, json>> {};

TEST_P(UselessKey, is_skipped_and_the_rest_kept) {
  json bad = json::parse(kRfc8037Okp);
  bad.merge_patch(GetParam().second);
  const auto set = KeySet::parse(json{{"keys", {bad, json::parse(kRfc7515Ec)}}}.dump());
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->size(), 1U);
  EXPECT_NE(set->find("a3"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    KeySet, UselessKey,
    testing::Values(
        std::pair{"encryption", json{{"use", "enc"}}}, std::pair{"use_of_other_type", json{{"use", 1}}},
        std::pair{"sign_only", json{{"key_ops", {"sign"}}}}, std::pair{"other_alg", json{{"alg", "ES256"}}},
        std::pair{"hmac_alg", json{{"alg", "HS256"}}}, std::pair{"no_kid", json{{"kid", nullptr}}},
        std::pair{"empty_kid", json{{"kid", ""}}}, std::pair{"x25519", json{{"crv", "X25519"}}},
        std::pair{"symmetric", json{{"kty", "oct"}, {"k", "AAAA"}}},
        std::pair{"short_x", json{{"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcH"}}},
        std::pair{"padded_x", json{{"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="}}},
        std::pair{"no_x", json{{"x", nullptr}}}),
    [](const auto& info) { return info.param.first; });

TEST(KeySet, point_off_the_curve_is_skipped) {
  json jwk = json::parse(kRfc7515Ec);
  jwk["y"] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1";
  std::string y = unbase64("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
  y.back() ^= 1;
  jwk["y"] = base64url_encode(y);
  EXPECT_TRUE(set_of(jwk.dump()).empty());
}

TEST(KeySet, rsa_key_outside_the_bounds_is_skipped) {
  json small = json::parse(kRfc7515Rsa);
  std::string n = unbase64(small["n"]);
  small["n"] = base64url_encode(n.substr(0, 127) + "\x01");
  EXPECT_TRUE(set_of(small.dump()).empty());
  json big = json::parse(kRfc7515Rsa);
  big["n"] = base64url_encode(n + n + n + n + n);
  EXPECT_TRUE(set_of(big.dump()).empty());
  json exponent = json::parse(kRfc7515Rsa);
  for (const std::string& e :
       {std::string("\x01"), std::string("\x04"), std::string(), std::string(5, '\x7F')}) {
    exponent["e"] = base64url_encode(e);
    EXPECT_TRUE(set_of(exponent.dump()).empty());
  }
}

TEST(KeySet, second_key_with_the_same_id_does_not_replace_the_first) {
  json other = json::parse(kRfc7515Ec);
  other["kid"] = "a4";
  const KeySet set = set_of(std::string(kRfc8037Okp) + "," + other.dump());
  EXPECT_EQ(set.size(), 1U);
  EXPECT_EQ(set.find("a4")->algorithm(), Algorithm::eddsa);
}

TEST(KeySet, more_keys_than_the_bound_are_refused) {
  json keys = json::array();
  for (std::size_t i = 0; i <= KeySet::kMaxKeys; ++i) {
    json jwk = json::parse(kRfc8037Okp);
    jwk["kid"] = std::to_string(i);
    keys.push_back(jwk);
  }
  const auto over = KeySet::parse(json{{"keys", keys}}.dump());
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, Errc::too_large);
  keys.erase(keys.begin());
  const auto full = KeySet::parse(json{{"keys", keys}}.dump());
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->size(), KeySet::kMaxKeys);
}

TEST(KeySet, oversized_document_is_refused) {
  const auto set = KeySet::parse(R"({"keys":[]})" + std::string(KeySet::kMaxJsonBytes, ' '));
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code, Errc::too_large);
}

TEST(KeySet, malformed_document_is_refused) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
        std::string(R"({"keys":[],"keys":[]})"), std::string("{\"keys\":[]}\0x", 13),
        std::string(R"({"keys":[[[[[[[[[]]]]]]]]]})"), std::string(R"({"keys":[)")}) {
    const auto set = KeySet::parse(text);
    ASSERT_FALSE(set.ok()) << text;
    EXPECT_EQ(set.error().code, Errc::invalid_argument);
  }
}

}  // namespace
}  // namespace godwit::auth
