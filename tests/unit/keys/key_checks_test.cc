#include "keys/key_checks.h"

#include <gtest/gtest.h>

#include "key_package_builder.h"

namespace godwit {
namespace {

constexpr KeyOwnerName kOwner{UserId(101), DeviceId(2)};
constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::uint64_t kNowS = kNowMs / 1000;
constexpr std::uint64_t kDayS = 24 * 3600;

Errc checked(const v1::PublishKeys& keys) {
  const auto packages = check_published(keys, kOwner, kNowMs);
  return packages ? Errc::ok : packages.error().code;
}

v1::PublishKeys with_prekey(const std::string& public_key) {
  v1::PublishKeys keys;
  keys.add_one_time_prekeys()->set_id(1);
  keys.mutable_one_time_prekeys(0)->set_public_key(public_key);
  return keys;
}

TEST(KeyChecksTest, Points_that_give_no_secret_are_refused) {
  init_crypto();
  EXPECT_EQ(checked(with_prekey(fresh_x25519())), Errc::ok);
  for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    const std::string key = *from_hex(point);
    const std::string scalar = random_bytes(32);
    unsigned char shared[32];
    ASSERT_EQ(crypto_scalarmult(shared, reinterpret_cast<const unsigned char*>(scalar.data()),
                                reinterpret_cast<const unsigned char*>(key.data())),
              -1)
        << point;
    EXPECT_EQ(checked(with_prekey(key)), Errc::key_invalid) << point;
  }
}

TEST(KeyChecksTest, Keys_of_other_lengths_are_refused) {
  for (const std::size_t size : {0, 31, 33, 48, 64}) {
    EXPECT_EQ(checked(with_prekey(random_bytes(size))), Errc::key_invalid) << size;
  }
}

TEST(KeyChecksTest, Ids_begin_at_one_and_come_once) {
  v1::PublishKeys keys = with_prekey(fresh_x25519());
  *keys.add_one_time_prekeys() = keys.one_time_prekeys(0);
  EXPECT_EQ(checked(keys), Errc::key_id_reused);
  keys = with_prekey(fresh_x25519());
  keys.mutable_one_time_prekeys(0)->set_id(0);
  EXPECT_EQ(checked(keys), Errc::key_invalid);
}

TEST(KeyChecksTest, Lifetimes_are_bounded_on_both_ends) {
  init_crypto();
  const Ed25519Key identity = Ed25519Key::generate();
  const auto lifetime = [&](std::uint64_t from, std::uint64_t to) {
    KeyPackageParts parts;
    parts.identity = be(101, 8) + be(2, 4);
    parts.not_before_s = from;
    parts.not_after_s = to;
    v1::PublishKeys keys;
    keys.add_key_packages(make_key_package(identity, parts));
    return checked(keys);
  };
  EXPECT_EQ(lifetime(kNowS, kNowS + 400 * kDayS), Errc::ok);
  EXPECT_EQ(lifetime(kNowS + 3'600, kNowS + 90 * kDayS), Errc::ok) << "a clock that is an hour ahead";
  EXPECT_EQ(lifetime(kNowS - kDayS, kNowS), Errc::key_invalid);
  EXPECT_EQ(lifetime(kNowS + 2 * kDayS, kNowS + 90 * kDayS), Errc::key_invalid);
  EXPECT_EQ(lifetime(kNowS, kNowS + 402 * kDayS), Errc::key_invalid);
  EXPECT_EQ(lifetime(0, kNowS + kDayS), Errc::key_invalid);
  EXPECT_EQ(lifetime(0, ~0ULL), Errc::key_invalid);
}

TEST(KeyChecksTest, A_private_key_beside_its_public_one_is_found) {
  init_crypto();
  const Ed25519Key identity = Ed25519Key::generate();
  const Ed25519Key device = Ed25519Key::generate();
  v1::PublishKeys keys = with_prekey(identity.seed());
  const auto verified = [&] {
    const std::vector<MlsKeyPackage> none;
    const KeyVerifier verifier(keys, none, kOwner, device.public_key, identity.public_key);
    bool all = true;
    for (std::size_t i = 0; i < verifier.size(); ++i) all = all && verifier.verify(i);
    return all;
  };
  EXPECT_FALSE(verified());
  keys = with_prekey(device.seed());
  EXPECT_FALSE(verified());
  keys = with_prekey(fresh_x25519());
  EXPECT_TRUE(verified());
}

}  // namespace
}  // namespace godwit
