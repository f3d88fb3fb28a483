// Sessions of one shard that do something at a steady rate.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "tools/bench/session.h"

namespace godwit::bench {

// What they do is act(), of the scenario. Used by the shard's thread during phases, by anybody between them.
class Crowd : public SessionUser {
 public:
  explicit Crowd(Shard& shard) : shard_(shard) {}

  // The returned tag names the session here; `number` is unique among all sessions of the run.
  std::uint32_t add(Account& account, std::size_t number);
  Session& session(std::uint32_t tag) { return *sessions_[tag]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(sessions_.size()); }

  // Logs all in and waits until each has caught up; false when nobody gets in for so long.
  bool log_in_all(std::int64_t patience_ns);
  // act() so often a second, each when it is due, at ticks of a millisecond. Ticks that were missed are made up
  // one by one, so that a late generator shows as latency.
  void start_rate(double per_second);
  void stop() { running_ = false; }

  bool measuring = false;

 protected:
  virtual void act(std::int64_t due_ns) = 0;
  void on_caught_up(Session&) override { ++caught_up_; }

  Shard& shard_;

 private:
  void tick();

  std::deque<std::unique_ptr<Session>> sessions_;
  std::uint32_t caught_up_ = 0;
  bool running_ = false;
  double per_ns_ = 0;
  std::int64_t from_ = 0;
  std::int64_t next_tick_ = 0;
  std::uint64_t issued_ = 0;
};

// Nanoseconds since `then`; 0 when that is to come.
inline std::uint64_t ns_since(std::int64_t then) {
  const std::int64_t now = steady_ns();
  return now > then ? static_cast<std::uint64_t>(now - then) : 0;
}

}  // namespace godwit::bench
