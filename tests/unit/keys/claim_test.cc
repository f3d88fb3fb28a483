// What claims are bounded by.
#include "key_fixture.h"

namespace godwit {
namespace {

class KeyClaimTest : public KeyFixture {
 protected:
  void restart() {
    end();
    begin();
  }
  static bool withheld(const Result<v1::ClaimedKeys>& claimed) { return claimed->users(0).withheld(); }

  Ed25519Key identity_ = Ed25519Key::generate();
};

TEST_F(KeyClaimTest, One_claimer_does_not_take_the_share_of_others) {
  options_.claimed = {10, 2};
  restart();
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 9)));
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(withheld(claim(kBob, {kAnn})));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(withheld(claim(kBob, {kAnn})));
  EXPECT_FALSE(withheld(claim(kCat, {kAnn})));
  checkpoint();
  restart();
  EXPECT_TRUE(withheld(claim(kBob, {kAnn}))) << "it is remembered";
  clock_.advance(kAllowanceHourMs / 2);
  EXPECT_FALSE(withheld(claim(kBob, {kAnn})));
  EXPECT_TRUE(withheld(claim(kBob, {kAnn})));
  EXPECT_EQ(stock(kAnn), 5u);
}

TEST_F(KeyClaimTest, What_was_left_out_does_not_count) {
  options_.claimed = {1, 1};
  restart();
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 1)));
  ASSERT_TRUE(publish(kBob, kPhone, request(kBob, kPhone, Ed25519Key::generate(), 1)));
  EXPECT_EQ(claim(kCat, {kAnn, kBob}, 500)->left_out_size(), 1);
  EXPECT_FALSE(withheld(claim(kCat, {kBob})));
}

TEST_F(KeyClaimTest, Nothing_is_withheld_of_whom_has_nothing) {
  options_.claimed = {1, 1};
  restart();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(withheld(claim(kBob, {kAnn})));
}

TEST_F(KeyClaimTest, Claimers_that_are_remembered_are_bounded) {
  ClaimQuota quota;
  const ClaimQuota::Limits limits{0, 1};
  for (std::uint64_t user = 1; user <= ClaimQuota::kMaxClaimers + 1; ++user) {
    EXPECT_TRUE(quota.take(UserId(user), limits, 1));
  }
  EXPECT_FALSE(quota.take(UserId(2), limits, 1));
  store::KeysRow row;
  quota.save(row);
  EXPECT_EQ(static_cast<std::size_t>(row.claimers_size()), ClaimQuota::kMaxClaimers);
  EXPECT_TRUE(quota.take(UserId(1), limits, 1 + kAllowanceHourMs));
  row.Clear();
  quota.save(row);
  EXPECT_EQ(row.claimers_size(), 1) << "an hour later the others are forgotten";
}

TEST_F(KeyClaimTest, Claims_that_would_take_too_much_memory_are_refused) {
  claims_bytes_ = 100'000;
  restart();
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 3)));
  hold(true);
  const auto first = start_claim(kBob, {kAnn});
  wait_for_records(1);
  const auto refused = claim(kCat, {kAnn});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::overloaded);
  release();
  EXPECT_TRUE(wait(first));
  EXPECT_TRUE(claim(kCat, {kAnn})) << "the first has given its share back";
  on_worker([&] { EXPECT_EQ(metrics_.gauge("godwit_keys_claim_bytes", "-").Value(), 0); });
}

}  // namespace
}  // namespace godwit
