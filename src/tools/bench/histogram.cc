#include "tools/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace godwit::bench {

// Values below 64 have a bucket each; above, every power of two is cut into 64 equal parts.
std::size_t Histogram::index_of(std::uint64_t value) {
  if (value < kSub) return value;
  const int shift = std::bit_width(value) - 1 - kSubBits;
  return static_cast<std::size_t>(shift + 1) * kSub + ((value >> shift) - kSub);
}

std::uint64_t Histogram::upper_bound_of(std::size_t index) {
  if (index < kSub) return index;
  const auto shift = index / kSub - 1;
  const std::uint64_t first = (index % kSub + kSub) << shift;
  return first + ((std::uint64_t{1} << shift) - 1);
}

void Histogram::record(std::uint64_t value) {
  ++buckets_[index_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::percentile(double fraction) const {
  if (count_ == 0) return 0;
  const auto wanted = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_))), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(upper_bound_of(i), max_);
  }
  return max_;
}

}  // namespace godwit::bench
