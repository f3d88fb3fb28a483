// What a viewer sees: order, pages, what goes by time, by removal and by the bound.
#include <set>

#include "status_fixture.h"

namespace godwit {
namespace {

using Numbers = std::vector<std::uint32_t>;

class FeedTest : public StatusFixture {};

TEST_F(FeedTest, Unseen_statuses_come_first_each_newest_first) {
  for (std::uint32_t n = 1; n <= 4; ++n) post(n % 2 == 0 ? kBob : kCat, n);
  EXPECT_EQ(listed(), (Numbers{4, 3, 2, 1}));
  EXPECT_EQ(page_.unseen, 4u);
  view(kAnn, kBob, 4);
  view(kAnn, kCat, 1);
  EXPECT_EQ(listed(), (Numbers{3, 2, 4, 1}));
  EXPECT_EQ(page_.unseen, 2u);
  EXPECT_TRUE(page_.items[2].entry.seen);
  EXPECT_FALSE(page_.next);
}

TEST_F(FeedTest, Only_authors_whom_the_viewer_follows_are_listed) {
  post(kBob, 1);
  post(kCat, 2);
  followed_ = {kBob};
  EXPECT_EQ(listed(), (Numbers{1}));
  EXPECT_EQ(page_.unseen, 1u);
  followed_ = {};
  EXPECT_TRUE(listed().empty());
}

TEST_F(FeedTest, Muted_authors_are_listed_only_when_asked_for) {
  post(kBob, 1);
  post(kCat, 2);
  mute(kCat);
  EXPECT_EQ(listed(), (Numbers{1}));
  EXPECT_EQ(page_.unseen, 1u);
  FeedRequest all;
  all.with_muted = true;
  EXPECT_EQ(listed(all), (Numbers{2, 1}));
  EXPECT_TRUE(page_.items[0].muted);
  EXPECT_FALSE(page_.items[1].muted);
  mute(kCat, true);
  EXPECT_EQ(listed(), (Numbers{2, 1}));
}

TEST_F(FeedTest, A_status_goes_at_its_time_and_not_a_millisecond_before) {
  post(kBob, 1, kHour);
  clock_.advance(kHour - 1);
  EXPECT_EQ(listed(), (Numbers{1}));
  EXPECT_NE(user_->reference(kBob, id_of(1), clock_.wall_ms()), nullptr);
  clock_.advance(1);
  EXPECT_TRUE(listed().empty());
  EXPECT_EQ(page_.unseen, 0u);
  EXPECT_EQ(user_->reference(kBob, id_of(1), clock_.wall_ms()), nullptr);
}

TEST_F(FeedTest, A_jump_of_the_clock_hides_and_its_correction_shows_again) {
  post(kBob, 1, kHour);
  clock_.jump_wall(12 * kHour);
  EXPECT_TRUE(listed().empty());
  post(kCat, 2, kHour);
  EXPECT_EQ(listed(), (Numbers{2}));
  clock_.jump_wall(-12 * kHour);
  EXPECT_EQ(listed(), (Numbers{2, 1}));
}

TEST_F(FeedTest, What_expired_long_ago_leaves_memory) {
  post(kBob, 1, kHour);
  clock_.advance(kHour + StatusUser::kForgetAfterMs);
  EXPECT_EQ(user_->feed().size(), 1u);
  post(kBob, 2);
  EXPECT_EQ(user_->feed().size(), 1u);
}

TEST_F(FeedTest, Beyond_the_bound_the_oldest_go_from_memory_and_store) {
  for (std::uint32_t n = 1; n <= 12; ++n) post(kBob, n);
  EXPECT_EQ(listed(), (Numbers{12, 11, 10, 9, 8, 7, 6, 5, 4, 3}));
  checkpoint();
  EXPECT_EQ(rows_in(Column::status_feed), 10u);
  post(kCat, 13);
  checkpoint();
  EXPECT_EQ(rows_in(Column::status_feed), 10u);
  reload();
  EXPECT_EQ(listed(), (Numbers{13, 12, 11, 10, 9, 8, 7, 6, 5, 4}));
}

TEST_F(FeedTest, Removal_takes_one_status_or_all_of_an_author) {
  for (std::uint32_t n = 1; n <= 4; ++n) post(n % 2 == 0 ? kBob : kCat, n);
  checkpoint();
  remove(kBob, 2);
  EXPECT_EQ(user_->taken_away_lsn(), lsn_);
  EXPECT_EQ(listed(), (Numbers{4, 3, 1}));
  remove(kBob, 2);
  remove(kCat, 4);
  EXPECT_LT(user_->taken_away_lsn(), lsn_) << "there was nothing to take";
  remove_encoded(kCat, "");
  EXPECT_EQ(listed(), (Numbers{4}));
  checkpoint();
  EXPECT_EQ(rows_in(Column::status_feed), 1u);
}

TEST_F(FeedTest, Pages_follow_one_another_without_loss_or_repetition) {
  options_.max_feed = 100;
  user_ = std::make_unique<StatusUser>(kAnn, options_);
  for (std::uint32_t n = 1; n <= 50; ++n) post(n % 2 == 0 ? kBob : kCat, n);
  for (std::uint32_t n = 1; n <= 50; n += 3) view(kAnn, n % 2 == 0 ? kBob : kCat, n);
  const Numbers whole = listed({std::nullopt, 200, false});
  ASSERT_EQ(whole.size(), 50u);
  for (std::size_t limit = 1; limit <= 51; ++limit) {
    Numbers paged;
    FeedRequest request;
    request.limit = limit;
    do {
      for (const std::uint32_t n : listed(request)) paged.push_back(n);
      EXPECT_LE(page_.items.size(), limit);
      EXPECT_EQ(page_.unseen, 33u);
      if (page_.next) request.after = FeedPosition::decode(page_.next->encode());
    } while (page_.next);
    EXPECT_EQ(paged, whole) << limit;
  }
}

TEST_F(FeedTest, A_position_holds_while_statuses_come_go_and_are_seen) {
  for (std::uint32_t n = 1; n <= 8; ++n) post(kBob, n);
  FeedRequest request;
  request.limit = 3;
  EXPECT_EQ(listed(request), (Numbers{8, 7, 6}));
  request.after = page_.next;
  post(kCat, 9);           // comes before the position
  remove(kBob, 6);         // where the position is
  view(kAnn, kBob, 4);     // not listed yet
  view(kAnn, kBob, 8);     // listed as unseen
  EXPECT_EQ(listed(request), (Numbers{5, 3, 2}));
  request.after = page_.next;
  EXPECT_EQ(listed(request), (Numbers{1, 8, 4}));
}

TEST_F(FeedTest, What_is_no_position_is_refused) {
  const std::string good = FeedPosition{true, 1'700'000'000'123, kBob}.encode();
  const auto read = FeedPosition::decode(good);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->seen);
  EXPECT_EQ(read->posted_ms, 1'700'000'000'123);
  EXPECT_EQ(read->author, kBob);
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(FeedPosition::decode(good.substr(0, size)));
  EXPECT_FALSE(FeedPosition::decode(good + "x"));
  EXPECT_FALSE(FeedPosition::decode("\x02" + good.substr(1)));
  EXPECT_FALSE(FeedPosition::decode(good.substr(0, 1) + "\x02" + good.substr(2)));
  EXPECT_FALSE(FeedPosition::decode(good.substr(0, 1) + "\xff" + good.substr(2)));
}

TEST_F(FeedTest, A_feed_comes_back_from_its_rows) {
  for (std::uint32_t n = 1; n <= 4; ++n) post(n % 2 == 0 ? kBob : kCat, n);
  view(kAnn, kBob, 4);
  mute(kCat);
  checkpoint();
  view(kAnn, kBob, 2);
  remove(kCat, 3);
  checkpoint();
  reload();
  FeedRequest all;
  all.with_muted = true;
  EXPECT_EQ(listed(all), (Numbers{1, 4, 2}));
  EXPECT_EQ(page_.unseen, 1u);
  EXPECT_TRUE(user_->mutes(kCat));
  EXPECT_EQ(user_->applied(), lsn_);
}

TEST_F(FeedTest, What_changes_during_a_checkpoint_is_kept_for_the_next) {
  post(kBob, 1);
  post(kBob, 2);
  collect_and_commit();
  view(kAnn, kBob, 1);
  remove(kBob, 2);
  std::size_t budget = 1;
  EXPECT_FALSE(user_->checkpointed(budget)) << "one entry a step";
  budget = 100;
  EXPECT_TRUE(user_->checkpointed(budget));
  checkpoint();
  reload();
  EXPECT_EQ(listed(), (Numbers{1}));
  EXPECT_TRUE(page_.items[0].entry.seen);
}

TEST_F(FeedTest, Deleting_the_account_empties_everything) {
  post(kBob, 1);
  post(kAnn, 2);
  mute(kCat);
  checkpoint();
  const RecordPtr deleted = record();
  deleted->body.mutable_user_deleted()->set_user(kAnn.value);
  user_->apply(deleted);
  checkpoint();
  EXPECT_EQ(rows_in(Column::status_feed), 0u);
  EXPECT_EQ(rows_in(Column::status), 0u);
  reload();
  EXPECT_TRUE(user_->feed().empty());
  EXPECT_TRUE(user_->posts().empty());
  EXPECT_TRUE(user_->muted().empty());
}

}  // namespace
}  // namespace godwit
