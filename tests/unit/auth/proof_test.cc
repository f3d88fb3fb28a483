#include "auth/proof.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace godwit::auth {
namespace {

using namespace std::string_literals;

const std::string kNonce(32, 'n');
const std::string kKey(32, 'k');
const std::string kLink(16, 'l');

TEST(Proof, inputs_are_context_zero_byte_and_fields) {
  const UserId user(0x0102030405060708);
  const std::string user_bytes = "\x01\x02\x03\x04\x05\x06\x07\x08";
  EXPECT_EQ(hello_input(kNonce, "tok"), "godwit/v1/hello\0"s + kNonce + "tok");
  EXPECT_EQ(register_input(kNonce, kKey, "alice"), "godwit/v1/register\0"s + kNonce + kKey + "alice");
  EXPECT_EQ(refresh_input(kNonce, user, DeviceId(0xA0B0C0D0)),
            "godwit/v1/refresh\0"s + kNonce + user_bytes + "\xA0\xB0\xC0\xD0");
  EXPECT_EQ(link_begin_input(kNonce, kKey), "godwit/v1/link-begin\0"s + kNonce + kKey);
  EXPECT_EQ(link_approve_input(kLink, kKey, user), "godwit/v1/link-approve\0"s + kLink + kKey + user_bytes);
  EXPECT_EQ(delete_account_input(kNonce, user), "godwit/v1/delete-account\0"s + kNonce + user_bytes);
}

TEST(Proof, field_of_a_wrong_length_gives_no_input) {
  for (const std::size_t size : {0, 31, 33}) {
    const std::string bad(size, 'x');
    EXPECT_EQ(hello_input(bad, "tok"), "");
    EXPECT_EQ(register_input(bad, kKey, "alice"), "");
    EXPECT_EQ(register_input(kNonce, bad, "alice"), "");
    EXPECT_EQ(refresh_input(bad, UserId(1), DeviceId(1)), "");
    EXPECT_EQ(link_begin_input(bad, kKey), "");
    EXPECT_EQ(link_begin_input(kNonce, bad), "");
    EXPECT_EQ(link_approve_input(bad, kKey, UserId(1)), "");
    EXPECT_EQ(link_approve_input(kLink, bad, UserId(1)), "");
    EXPECT_EQ(delete_account_input(bad, UserId(1)), "");
  }
}

TEST(Proof, empty_input_is_refused_even_if_signed) {
  const auto key = DeviceKey::generate();
  EXPECT_FALSE(verify_proof(key.public_key, "", key.sign("")));
}

TEST(Proof, signature_verifies_for_its_key_and_input_only) {
  const auto key = DeviceKey::generate();
  const std::string input = hello_input(kNonce, "tok");
  const std::string signature = key.sign(input);
  EXPECT_TRUE(verify_proof(key.public_key, input, signature));
  EXPECT_FALSE(verify_proof(DeviceKey::generate().public_key, input, signature));
  EXPECT_FALSE(verify_proof(key.public_key, hello_input(std::string(32, 'm'), "tok"), signature));
  EXPECT_FALSE(verify_proof(key.public_key, hello_input(kNonce, "tok2"), signature));
}

TEST(Proof, signature_for_one_request_does_not_pass_for_another) {
  const auto key = DeviceKey::generate();
  const std::vector<std::string> inputs = {hello_input(kNonce, kKey),
                                           register_input(kNonce, kKey, ""),
                                           refresh_input(kNonce, UserId(1), DeviceId(1)),
                                           link_begin_input(kNonce, kKey),
                                           link_approve_input(kLink, kKey, UserId(1)),
                                           delete_account_input(kNonce, UserId(1))};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      EXPECT_EQ(verify_proof(key.public_key, inputs[j], key.sign(inputs[i])), i == j) << i << " " << j;
    }
  }
}

TEST(Proof, wrong_lengths_are_refused) {
  const auto key = DeviceKey::generate();
  const std::string input = hello_input(kNonce, "tok");
  const std::string signature = key.sign(input);
  EXPECT_FALSE(verify_proof("", input, signature));
  EXPECT_FALSE(verify_proof(key.public_key.substr(1), input, signature));
  EXPECT_FALSE(verify_proof(key.public_key + "x", input, signature));
  EXPECT_FALSE(verify_proof(key.public_key, input, ""));
  EXPECT_FALSE(verify_proof(key.public_key, input, signature.substr(1)));
  EXPECT_FALSE(verify_proof(key.public_key, input, signature + "x"));
}

TEST(Proof, key_of_small_order_is_refused) {
  // The neutral element: with it, S = 0 and R = the neutral element "sign" every input.
  const std::string neutral = "\x01"s + std::string(31, '\0');
  EXPECT_FALSE(verify_proof(neutral, "anything", neutral + std::string(32, '\0')));
}

TEST(DeviceKey, seed_gives_the_same_key_again) {
  const auto key = DeviceKey::generate();
  auto again = DeviceKey::from_seed(key.seed());
  EXPECT_EQ(again.public_key, key.public_key);
  const DeviceKey moved = std::move(again);
  EXPECT_EQ(moved.sign("x"), key.sign("x"));
}

TEST(DeviceKey, seed_of_a_wrong_length_is_refused) {
  EXPECT_THROW(DeviceKey::from_seed(std::string(31, 'x')), std::invalid_argument);
}

TEST(DeviceKey, moving_wipes_the_source) {
  auto key = DeviceKey::generate();
  const DeviceKey moved = std::move(key);
  EXPECT_EQ(key.seed(), std::string(32, '\0'));  // NOLINT(bugprone-use-after-move): that is the point
}

}  // namespace
}  // namespace godwit::auth
