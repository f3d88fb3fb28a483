#include "chat/progress.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(Progress, time_is_that_of_the_move_that_reached_the_position) {
  Progress progress;
  progress.note(10, 15, 1'000);
  progress.note(15, 15, 2'000);
  progress.note(15, 20, 3'000);
  EXPECT_EQ(progress.reached(11), 1'000);
  EXPECT_EQ(progress.reached(15), 1'000);
  EXPECT_EQ(progress.reached(16), 3'000);
}

TEST(Progress, what_was_reached_before_the_first_known_move_was_long_ago) {
  Progress progress;
  EXPECT_EQ(progress.reached(5), Progress::kLongAgo);
  progress.note(10, 15, 1'000);
  EXPECT_EQ(progress.reached(10), Progress::kLongAgo);
  for (std::uint64_t i = 0; i < Progress::kSteps; ++i) progress.note(15 + i, 16 + i, 2'000);
  EXPECT_EQ(progress.reached(12), Progress::kLongAgo) << "only so many moves are kept";
}

}  // namespace
}  // namespace godwit
