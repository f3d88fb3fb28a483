#include "keys/mls_key_package.h"

#include <gtest/gtest.h>

#include "key_package_builder.h"

namespace godwit {
namespace {

// Made by ts-mls 1.6.4 (npm): generateKeyPackage for a basic credential of the 12 bytes of user 101, device 2, from
// 1700000000 to 1707776000, default capabilities; the second with the extension last_resort.
constexpr const char* kOneTime =
    "0001000120ffe34144230c73160f4001ac581f764fea7ce0e139e88c963a40c6652c98711720808dcd499eb64e7ce5bcdfce75354edc427493f78bd5126258a99738b64edd7020a60e5ae4468870ee18f1ebf1180a5dd59165ef53be2688f2d92dfc11c3c5902000010c000000000000006500000002020001280001000200030004000500060007004d004e004f0050005100520053005400550056005700588a8a045a5a7a7a041a1a8a8a040001000201000000006553f1000000000065ca9800004040209a82f17b03c81c9b123f4693ca5b037e7d7387463516d6379791c6ea9d9af939a6e7949f2d88c29e6d476ddcb449ab69814b9a3bbb80d38e11bc3a68b04a0400404014914ea6ea7cd40d10ff29fa4e4bc4ec550bc8c7d1f272ef09aae44c7f4f9c68a2281ded471f04fd122937104ab7204b243784bf7476fd85a5366496261a9403";
constexpr const char* kLastResort =
    "000100012043002f5d8a7520b9363a2d05a36f21776f72bece76ee8a6d894fd4c32b1a9a212005dab5342d58b15da5ae7910b56b831440f1e5e0639afe27965419b3faae303020ead4d7564e58f2dc38b25bc4e78bbf524b7522e50d61f5b4b7f44a503d77122f00010c000000000000006500000002020001280001000200030004000500060007004d004e004f0050005100520053005400550056005700588a8a065a5a7a7a000a041a1a8a8a040001000201000000006553f1000000000065ca980000404074f7a50c0310f5b412643193c39ed6f38f016eb2f08ac35f5cbaa9c942c0099912d202af9341209be2fabe1b43ad5c141ed030c1e062da481dacbc641283f30903000a004040798a39e99a14668ed914fad27f5774bd70f94805c7aa4bd015f4d854af525e36feffe12411d47d44892778925835f22454c730078ca0a82fa535d22c53185d06";

class KeyPackageTest : public ::testing::Test {
 protected:
  KeyPackageTest() : key_((init_crypto(), Ed25519Key::generate())) { parts_.identity = be(101, 8) + be(2, 4); }
  std::string made() const { return make_key_package(key_, parts_); }
  bool refused(const std::string& bytes) {
    const auto package = parse_key_package(bytes);
    return !package && package.error().code == Errc::key_invalid;
  }

  Ed25519Key key_;
  KeyPackageParts parts_;
};

TEST_F(KeyPackageTest, One_of_another_implementation_is_read_and_verified) {
  const std::string bytes = *from_hex(kOneTime);
  const auto package = parse_key_package(bytes);
  ASSERT_TRUE(package) << package.error().detail;
  EXPECT_EQ(package->identity, be(101, 8) + be(2, 4));
  EXPECT_EQ(package->not_before_s, 1'700'000'000u);
  EXPECT_EQ(package->not_after_s, 1'707'776'000u);
  EXPECT_FALSE(package->last_resort);
  EXPECT_TRUE(verify_key_package(*package));
  const std::string last = *from_hex(kLastResort);
  const auto resort = parse_key_package(last);
  ASSERT_TRUE(resort) << resort.error().detail;
  EXPECT_TRUE(resort->last_resort);
  EXPECT_TRUE(verify_key_package(*resort));
}

TEST_F(KeyPackageTest, No_byte_can_change_without_notice) {
  const std::string bytes = *from_hex(kOneTime);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto package = parse_key_package(changed);
    EXPECT_FALSE(package && verify_key_package(*package)) << "byte " << i;
  }
}

TEST_F(KeyPackageTest, No_beginning_and_no_more_than_all_is_one) {
  const std::string bytes = made();
  ASSERT_TRUE(parse_key_package(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_TRUE(refused(bytes.substr(0, size))) << size;
  EXPECT_TRUE(refused(bytes + '\0'));
}

TEST_F(KeyPackageTest, Lengths_in_a_longer_form_are_refused) {
  std::string bytes = made();
  // 32 bytes of init key, told in two bytes.
  bytes.replace(4, 1, be(0x4000 | 32, 2));
  EXPECT_TRUE(refused(bytes));
}

TEST_F(KeyPackageTest, Keys_of_wrong_sizes_and_equal_ones_are_refused) {
  parts_.init_key = random_bytes(31);
  EXPECT_TRUE(refused(made()));
  parts_.init_key = parts_.encryption_key;
  EXPECT_TRUE(refused(made()));
}

TEST_F(KeyPackageTest, Capabilities_must_have_what_is_used) {
  for (int missing = 0; missing < 3; ++missing) {
    const auto list = [&](int which) { return opaque(be(which == missing ? 2 : 1, 2)); };
    parts_.capabilities = list(0) + list(1) + opaque("") + opaque("") + list(2);
    EXPECT_TRUE(refused(made())) << missing;
  }
  parts_.capabilities = opaque("x") + opaque(be(1, 2)) + opaque("") + opaque("") + opaque(be(1, 2));
  EXPECT_TRUE(refused(made()));
}

TEST_F(KeyPackageTest, Extensions_may_not_come_twice) {
  parts_.extensions = be(0xF000, 2) + opaque("a") + be(0xF001, 2) + opaque("b");
  EXPECT_TRUE(parse_key_package(made()));
  parts_.extensions = be(0xF000, 2) + opaque("a") + be(0xF000, 2) + opaque("b");
  EXPECT_TRUE(refused(made()));
  parts_.extensions = be(0xF001, 2) + opaque("a") + be(10, 2) + opaque("") + be(0xF000, 2) + opaque("b");
  EXPECT_TRUE(parse_key_package(made())->last_resort) << "whatever the order";
  parts_.extensions = be(0xF001, 2) + opaque("a") + be(0xF000, 2) + opaque("") + be(0xF001, 2) + opaque("b");
  EXPECT_TRUE(refused(made()));
}

TEST_F(KeyPackageTest, Too_large_is_told_as_such) {
  parts_.extensions = be(0xF000, 2) + opaque(std::string(4'000, 'x'));
  const std::string bytes = made();
  const auto package = parse_key_package(bytes);
  ASSERT_FALSE(package);
  EXPECT_EQ(package.error().code, Errc::too_large);
}

TEST_F(KeyPackageTest, Another_signer_is_noticed) {
  const std::string bytes = made();
  auto package = parse_key_package(bytes).value();
  const Ed25519Key other = Ed25519Key::generate();
  package.signature_key = other.public_key;
  EXPECT_FALSE(verify_key_package(package));
}

}  // namespace
}  // namespace godwit
