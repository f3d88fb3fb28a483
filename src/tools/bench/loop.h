// One thread's event loop: epoll, timers, and writes gathered until the end of the turn.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace godwit::bench {

inline constexpr std::int64_t kNsPerMs = 1'000'000;
inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;

// CLOCK_MONOTONIC.
std::int64_t steady_ns();

// Who waits for a descriptor. Events may be stale (the descriptor was replaced within the same turn):
// handlers try and see, they never conclude from the event alone.
class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual void on_events(std::uint32_t events) = 0;
  // End of a turn in which want_flush() was called.
  virtual void flush() = 0;
};

// Used by one thread at a time. Pollables outlive it or at least every run_until() after their last remove().
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Time of the present turn; refresh() takes it anew where a turn is long.
  std::int64_t now() const { return now_; }
  std::int64_t refresh() { return now_ = steady_ns(); }

  void add(int fd, std::uint32_t events, Pollable& user);
  void modify(int fd, std::uint32_t events, Pollable& user);
  // Once per turn and user; the caller remembers whether it has asked.
  void want_flush(Pollable& user) { to_flush_.push_back(&user); }
  // Runs `call` at the end of the first turn at or after `when`.
  void at(std::int64_t when, std::function<void()> call);

  // Turns until `done()` is true (checked once a turn) or `deadline` has passed; tells whether it was the
  // former.
  template <class Done>
  bool run_until(Done done, std::int64_t deadline) {
    refresh();
    run_timers();
    flush_all();
    while (!done()) {
      if (now_ >= deadline) return false;
      turn(deadline);
    }
    return true;
  }

  // Scratch space that reads go through, so that idle connections hold no buffer.
  std::span<char> read_buffer() { return {read_buffer_.get(), kReadBuffer}; }

 private:
  static constexpr std::size_t kReadBuffer = std::size_t{2} << 20;
  struct Timer {
    std::int64_t when;
    std::function<void()> call;
    bool operator<(const Timer& other) const { return when > other.when; }  // earliest on top of the heap
  };

  void turn(std::int64_t deadline);
  void run_timers();
  void flush_all();

  int epoll_;
  std::int64_t now_;
  std::unique_ptr<char[]> read_buffer_;
  std::vector<Timer> timers_;  // a heap
  std::vector<Pollable*> to_flush_;
};

}  // namespace godwit::bench
