// Log-linear histogram in the manner of HdrHistogram: constant memory, no allocation while recording.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace godwit::bench {

// Counts values (nanoseconds, by convention here) in buckets no wider than 1/64 of their value. Not guarded:
// one thread records, and whoever merges waits for it first.
class Histogram {
 public:
  void record(std::uint64_t value);
  void merge(const Histogram& other);
  void clear() { *this = Histogram(); }

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  // The least bucket bound that at least `fraction` (0 to 1) of the values do not exceed; 0 when empty.
  std::uint64_t percentile(double fraction) const;

 private:
  static constexpr int kSubBits = 6;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) * kSub;

  static std::size_t index_of(std::uint64_t value);
  static std::uint64_t upper_bound_of(std::size_t index);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace godwit::bench
