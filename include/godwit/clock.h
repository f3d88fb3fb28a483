// Time as the server sees it. Two implementations: SystemClock, and ManualClock in tests.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace godwit {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, milliseconds since the Unix epoch. May jump either way; never used for ordering.
  virtual std::int64_t wall_ms() const = 0;
  // Monotonic milliseconds from an arbitrary origin. For deadlines and rates.
  virtual std::int64_t steady_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t wall_ms() const override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
  std::int64_t steady_ms() const override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t wall_ms = 1'700'000'000'000) : wall_(wall_ms) {}
  std::int64_t wall_ms() const override { return wall_.load(); }
  std::int64_t steady_ms() const override { return steady_.load(); }
  void advance(std::int64_t ms) {
    wall_ += ms;
    steady_ += ms;
  }
  // The wall clock is set, by NTP or by hand; monotonic time does not notice.
  void jump_wall(std::int64_t ms) { wall_ += ms; }

 private:
  std::atomic<std::int64_t> wall_;
  std::atomic<std::int64_t> steady_{1'000'000};
};

}  // namespace godwit
