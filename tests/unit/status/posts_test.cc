// What an author has: posts, their contents, who has seen them.
#include "status_fixture.h"

namespace godwit {
namespace {

class PostsTest : public StatusFixture {
 protected:
  std::optional<store::StatusRow> stored(std::uint32_t n) {
    const auto row = store_->get(Column::status, status_key(map_.partition(kAnn), kAnn, id_of(n)));
    store::StatusRow status;
    if (!row || !status.ParseFromString(*row)) return std::nullopt;
    return status;
  }
  std::vector<std::uint64_t> stored_views(std::uint32_t n, UserId after = {}, std::size_t limit = 100) {
    std::vector<std::uint64_t> viewers;
    for (const auto& view : read_views(*store_, map_, kAnn, id_of(n), after, limit)) viewers.push_back(view.viewer.value);
    return viewers;
  }
  std::vector<std::uint64_t> fresh_views(std::uint32_t n, UserId after = {}, std::size_t limit = 100) {
    std::vector<std::uint64_t> viewers;
    for (const auto& view : user_->unstored_views(id_of(n), after, limit)) viewers.push_back(view.viewer.value);
    return viewers;
  }
};

using Viewers = std::vector<std::uint64_t>;

TEST_F(PostsTest, The_content_is_in_memory_until_the_store_has_it) {
  post(kAnn, 1, kDay, "hello");
  ASSERT_NE(user_->unstored_post(id_of(1)), nullptr);
  EXPECT_EQ(user_->unstored_post(id_of(1))->body.status_posted().payload(), "hello");
  checkpoint();
  EXPECT_EQ(user_->unstored_post(id_of(1)), nullptr);
  const auto row = stored(1);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->payload(), "hello");
  EXPECT_EQ(row->device_id(), 3u);
  EXPECT_EQ(row->posted_ms(), clock_.wall_ms());
  EXPECT_EQ(row->expires_ms(), clock_.wall_ms() + kDay);
  EXPECT_EQ(row->viewers_size(), 2);
}

TEST_F(PostsTest, Posts_come_back_from_their_row) {
  post(kAnn, 1);
  view(kBob, kAnn, 1);
  post(kAnn, 2);
  checkpoint();
  reload();
  ASSERT_EQ(user_->posts().size(), 2u);
  EXPECT_EQ(user_->posts()[0].id, id_of(1));
  EXPECT_EQ(user_->posts()[0].views, 1u);
  EXPECT_EQ(user_->posts()[0].viewers, 2u);
  EXPECT_EQ(user_->last_posted_ms(), user_->posts()[1].posted_ms);
  EXPECT_EQ(user_->live_posts(clock_.wall_ms()), 2u);
}

TEST_F(PostsTest, A_post_ends_by_time_and_is_remembered_by_its_id) {
  post(kAnn, 1, kHour);
  clock_.advance(kHour);
  EXPECT_EQ(user_->live_posts(clock_.wall_ms()), 0u);
  EXPECT_EQ(user_->live_post(id_of(1), clock_.wall_ms()), nullptr);
  post(kAnn, 2);
  EXPECT_NE(user_->post(id_of(1)), nullptr);
  clock_.advance(StatusUser::kForgetAfterMs);
  post(kAnn, 3);
  EXPECT_EQ(user_->post(id_of(1)), nullptr);
}

TEST_F(PostsTest, Views_are_counted_and_listed_from_memory_and_store) {
  post(kAnn, 1);
  view(kCat, kAnn, 1);
  EXPECT_EQ(fresh_views(1), (Viewers{kCat.value}));
  checkpoint();
  EXPECT_TRUE(fresh_views(1).empty());
  view(kBob, kAnn, 1);
  EXPECT_EQ(user_->post(id_of(1))->views, 2u);
  EXPECT_EQ(fresh_views(1), (Viewers{kBob.value}));
  EXPECT_EQ(fresh_views(1, kBob), (Viewers{}));
  EXPECT_EQ(stored_views(1), (Viewers{kCat.value}));
  checkpoint();
  EXPECT_EQ(stored_views(1), (Viewers{kBob.value, kCat.value}));
  EXPECT_EQ(stored_views(1, kBob), (Viewers{kCat.value}));
  EXPECT_EQ(stored_views(1, {}, 1), (Viewers{kBob.value}));
  EXPECT_TRUE(stored_views(1, UserId(~0ULL)).empty());
  view(kBob, kAnn, 99);
  EXPECT_EQ(fresh_views(99), (Viewers{})) << "no such post";
}

TEST_F(PostsTest, Removal_takes_content_and_views_and_keeps_the_id) {
  post(kAnn, 1);
  post(kAnn, 2);
  view(kBob, kAnn, 1);
  checkpoint();
  view(kCat, kAnn, 1);
  remove(kAnn, 1);
  view(kCat, kAnn, 1);
  EXPECT_TRUE(fresh_views(1).empty());
  EXPECT_EQ(user_->live_post(id_of(1), clock_.wall_ms()), nullptr);
  clock_.jump_wall(-kDay);
  EXPECT_EQ(user_->live_post(id_of(1), clock_.wall_ms()), nullptr) << "whatever the clock does";
  clock_.jump_wall(kDay);
  EXPECT_NE(user_->post(id_of(1)), nullptr);
  EXPECT_EQ(user_->live_posts(clock_.wall_ms()), 1u);
  checkpoint();
  EXPECT_FALSE(stored(1));
  EXPECT_TRUE(stored_views(1).empty());
  EXPECT_TRUE(stored(2));
}

TEST_F(PostsTest, Removal_before_the_store_has_the_content_leaves_nothing) {
  post(kAnn, 1);
  collect_and_commit();
  remove(kAnn, 1);
  EXPECT_EQ(user_->unstored_post(id_of(1)), nullptr);
  std::size_t budget = 100;
  EXPECT_TRUE(user_->checkpointed(budget));
  checkpoint();
  EXPECT_FALSE(stored(1));
}

TEST_F(PostsTest, Taking_all_away_from_a_viewer_leaves_the_author_theirs) {
  post(kAnn, 1);
  remove_encoded(kAnn, "");
  EXPECT_EQ(user_->live_posts(clock_.wall_ms()), 1u);
}

TEST_F(PostsTest, Posts_in_memory_are_bounded) {
  for (std::uint32_t n = 1; n <= 30; ++n) {
    post(kAnn, n);
    if (n > 3) remove(kAnn, n);
  }
  EXPECT_LE(user_->posts().size(), 2 * options_.max_live_posts);
  EXPECT_EQ(user_->live_posts(clock_.wall_ms()), 3u) << "what is live stays";
}

TEST_F(PostsTest, A_day_has_so_many_posts_also_after_a_restart) {
  const auto take = [&] { return user_->take_post(clock_.steady_ms(), clock_.wall_ms(), 4); };
  for (int i = 0; i < 4; ++i) EXPECT_EQ(take(), 0u);
  const std::uint32_t wait = take();
  EXPECT_GT(wait, 0u);
  EXPECT_LE(wait, kDay / 4 + 86'400);
  clock_.advance(kDay / 4 + 86'400);
  EXPECT_EQ(take(), 0u);
  for (std::uint32_t n = 1; n <= 3; ++n) post(kAnn, n);
  checkpoint();
  reload();
  EXPECT_EQ(take(), 0u);
  EXPECT_GT(take(), 0u) << "three of the day were posted before";
  EXPECT_EQ(user_->take_post(clock_.steady_ms(), clock_.wall_ms(), 0), 0u) << "0 is no limit";
}

}  // namespace
}  // namespace godwit
