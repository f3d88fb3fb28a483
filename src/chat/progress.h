// When a position was reached: the last few moves, for whoever asks where a message is.
#pragma once

#include <cstdint>
#include <vector>

namespace godwit {

// Bound: kSteps moves; of older ones only that they happened is known. Not stored: forgotten with the chat's
// place in memory.
class Progress {
 public:
  static constexpr std::size_t kSteps = 8;
  // Reached, but nobody knows when any more.
  static constexpr std::int64_t kLongAgo = 1;

  // `from` was the position until now.
  void note(std::uint64_t from, std::uint64_t position, std::int64_t time_ms) {
    if (position <= from) return;
    if (steps_.size() == kSteps) steps_.erase(steps_.begin());
    steps_.push_back({from, position, time_ms});
  }

  // When `position` was reached, given that it was; milliseconds since the Unix epoch, or kLongAgo.
  std::int64_t reached(std::uint64_t position) const {
    for (const Step& step : steps_) {
      if (step.from < position && position <= step.position) return step.time_ms;
    }
    return kLongAgo;
  }

 private:
  struct Step {
    std::uint64_t from;
    std::uint64_t position;
    std::int64_t time_ms;
  };
  std::vector<Step> steps_;
};

}  // namespace godwit
