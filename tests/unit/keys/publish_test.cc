// What a publication may cost, and what becomes of the keys that were there before.
#include "key_fixture.h"

namespace godwit {
namespace {

class KeyPublishTest : public KeyFixture {
 protected:
  void restart() {
    end();
    begin();
  }

  Ed25519Key identity_ = Ed25519Key::generate();
};

TEST_F(KeyPublishTest, Fields_that_are_not_known_are_not_stored) {
  auto keys = request(kAnn, kPhone, identity_);
  v1::SignedPrekey& prekey = *keys.mutable_signed_prekey();
  prekey.set_id(1);
  prekey.set_public_key(fresh_x25519());
  prekey.set_signature(identity_.sign("godwit/v1/prekey" + std::string(1, '\0') + be(1, 4) + prekey.public_key()));
  prekey.GetReflection()->MutableUnknownFields(&prekey)->AddLengthDelimited(99, std::string(100'000, 'x'));
  ASSERT_TRUE(publish(kAnn, kPhone, keys));
  on_worker([&] { EXPECT_LT(records_.back()->body.ByteSizeLong(), 1'000u); });
}

TEST_F(KeyPublishTest, What_is_refused_costs_as_much) {
  options_.published_per_hour = 6;
  restart();
  v1::PublishKeys keys;
  keys.add_key_packages("no package");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(publish(kAnn, kPhone, keys).error().code, Errc::identity_needed);
  EXPECT_EQ(publish(kAnn, kPhone, keys).error().code, Errc::rate_limited);
}

TEST_F(KeyPublishTest, Changes_of_identity_have_a_bound_of_their_own) {
  options_.identities_per_day = 2;
  restart();
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, Ed25519Key::generate())));
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_)));
  checkpoint();
  restart();
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_))) << "it is the same";
  EXPECT_EQ(publish(kAnn, kDesk, request(kAnn, kDesk, identity_)).error().code, Errc::rate_limited);
  clock_.advance(kAllowanceDayMs / 2);
  EXPECT_TRUE(publish(kAnn, kDesk, request(kAnn, kDesk, identity_)));
}

TEST_F(KeyPublishTest, A_user_that_leaves_the_cache_before_the_answer_is_loaded_for_it) {
  options_.cached_users = 1;
  restart();
  hold(true);
  const auto answer = start_publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 2));
  wait_for_records(1);
  checkpoint();
  for (std::uint64_t other = 1'000; other < 1'010; ++other) stock(UserId(other));
  on_worker([&] { ASSERT_EQ(service_->users().find(kAnn), nullptr); });
  release();
  const auto stocked = wait(answer);
  ASSERT_TRUE(stocked);
  EXPECT_EQ(stocked->key_packages(), 2u);
}

TEST_F(KeyPublishTest, A_key_that_is_claimed_while_it_is_published_again_goes_to_one) {
  const auto keys = request(kAnn, kPhone, identity_, 1);
  ASSERT_TRUE(publish(kAnn, kPhone, keys));
  auto again = keys;
  again.set_replace(true);
  hold(true);
  const auto published = start_publish(kAnn, kPhone, again);
  wait_for_records(1);
  const auto claimed = start_claim(kBob, {kAnn});
  wait_for_records(2);
  release();
  EXPECT_TRUE(wait(published));
  EXPECT_EQ(package_of(wait(claimed)), keys.key_packages(0));
  EXPECT_EQ(package_of(claim(kCat, {kAnn})), "");
}

TEST_F(KeyPublishTest, Expired_packages_make_room) {
  options_.max_per_stock = 3;
  restart();
  auto keys = request(kAnn, kPhone, identity_);
  for (int i = 0; i < 3; ++i) keys.add_key_packages(package(kAnn, kPhone, identity_, false, 1));
  ASSERT_TRUE(publish(kAnn, kPhone, keys));
  clock_.advance(2 * kAllowanceDayMs);
  EXPECT_EQ(stock(kAnn), 0u);
  const auto stocked = publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 3));
  ASSERT_TRUE(stocked) << stocked.error().detail;
  EXPECT_EQ(stocked->key_packages(), 3u);
  checkpoint();
  std::size_t rows = 0;
  store_->scan(Column::key_stock, "", "", false, [&](std::string_view, std::string_view) { return ++rows != 0; });
  EXPECT_EQ(rows, 3u);
}

}  // namespace
}  // namespace godwit
