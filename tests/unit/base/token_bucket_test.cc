#include "base/token_bucket.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(TokenBucket, Burst_is_admitted_then_the_rate) {
  TokenBucket bucket;
  std::int64_t now = 5'000;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bucket.take(now, 2, 10), 0U) << i;
  EXPECT_EQ(bucket.take(now, 2, 10), 500U);
  EXPECT_EQ(bucket.take(now + 500, 2, 10), 0U);
  EXPECT_GT(bucket.take(now + 500, 2, 10), 0U);
}

TEST(TokenBucket, Idle_time_saves_up_no_more_than_the_burst) {
  TokenBucket bucket;
  EXPECT_EQ(bucket.take(0, 100, 3), 0U);
  int admitted = 0;
  while (bucket.take(1'000'000, 100, 3) == 0) ++admitted;
  EXPECT_EQ(admitted, 3);
}

TEST(TokenBucket, A_rate_of_zero_is_no_limit) {
  TokenBucket bucket;
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(bucket.take(0, 0, 1), 0U);
}

}  // namespace
}  // namespace godwit
