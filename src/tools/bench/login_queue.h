// Logs sessions in, a bounded number at a time, and comes back when the server says when.
#pragma once

#include <cstdint>
#include <deque>

#include "tools/bench/histogram.h"

namespace godwit::bench {

struct Shard;
class Session;

// Belongs to one shard. Sessions in it must outlive it or the shard's last turn.
class LoginQueue {
 public:
  LoginQueue(Shard& shard, std::uint32_t concurrency) : shard_(shard), concurrency_(concurrency) {}

  // The session is started as soon as fewer than `concurrency` logins are under way, but not within
  // `after_ms`.
  void add(Session& session, std::uint32_t after_ms = 0);
  // Everything that was added is either live or refused for good.
  bool settled() const { return unsettled_ == 0; }
  std::uint64_t refused() const { return refused_; }

  // Nanoseconds from the first connection attempt to Welcome, retries included, of all logins so far.
  Histogram latency;
  // From Hello to Welcome.
  Histogram hello;

  // By the session.
  void on_live(Session& session);
  void on_failed(Session& session, std::uint32_t retry_after_ms, bool final);

 private:
  void enqueue(Session& session, std::uint32_t after_ms);
  void want_pump();
  void pump();

  Shard& shard_;
  const std::uint32_t concurrency_;
  std::deque<Session*> waiting_;
  std::uint32_t active_ = 0;     // started and neither live nor failed
  std::uint64_t unsettled_ = 0;  // waiting, active or pausing
  std::uint64_t refused_ = 0;
  bool pump_wanted_ = false;
};

}  // namespace godwit::bench
