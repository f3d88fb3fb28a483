#include <gtest/gtest.h>

#include <cstdint>

#include "tools/bench/histogram.h"

namespace godwit::bench {
namespace {

TEST(BenchHistogram, empty_every_figure_is_zero) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.5), 0U);
  EXPECT_EQ(histogram.max(), 0U);
  EXPECT_EQ(histogram.count(), 0U);
}

TEST(BenchHistogram, small_values_percentiles_are_exact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 50; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0.5), 25U);
  EXPECT_EQ(histogram.percentile(0.98), 49U);
  EXPECT_EQ(histogram.percentile(1.0), 50U);
}

TEST(BenchHistogram, large_values_percentile_is_within_one_sixty_fourth_above) {
  for (std::uint64_t value = 64; value < (std::uint64_t{1} << 62); value = value * 3 + 1) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(UINT64_MAX);  // so that the maximum does not cap the bucket's bound
    const std::uint64_t told = histogram.percentile(0.5);
    EXPECT_GE(told, value);
    EXPECT_LE(told - value, value / 64);
  }
}

TEST(BenchHistogram, greatest_value_is_recorded_without_overflow) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.percentile(0.999), UINT64_MAX);
}

TEST(BenchHistogram, merge_counts_both) {
  Histogram low;
  Histogram high;
  for (int i = 0; i < 99; ++i) low.record(10);
  high.record(5000);
  low.merge(high);
  EXPECT_EQ(low.count(), 100U);
  EXPECT_EQ(low.percentile(0.99), 10U);
  EXPECT_EQ(low.percentile(0.999), 5000U);
  EXPECT_EQ(low.max(), 5000U);
}

}  // namespace
}  // namespace godwit::bench
