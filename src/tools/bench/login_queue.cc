#include "tools/bench/login_queue.h"

#include <algorithm>

#include "tools/bench/session.h"
#include "tools/bench/shard.h"

namespace godwit::bench {
namespace {

constexpr std::uint32_t kFirstPauseMs = 50;
constexpr std::uint32_t kLongestPauseMs = 2000;

}  // namespace

void LoginQueue::add(Session& session, std::uint32_t after_ms) {
  ++unsettled_;
  session.login.attempts = 0;
  session.login.started_ns = 0;
  enqueue(session, after_ms);
}

void LoginQueue::enqueue(Session& session, std::uint32_t after_ms) {
  if (after_ms == 0) {
    waiting_.push_back(&session);
    want_pump();
    return;
  }
  shard_.loop.at(shard_.loop.now() + after_ms * kNsPerMs, [this, &session] {
    waiting_.push_back(&session);
    pump();
  });
}

// Not at once: the caller may be in the middle of a connection's events.
void LoginQueue::want_pump() {
  if (pump_wanted_) return;
  pump_wanted_ = true;
  shard_.loop.at(shard_.loop.now(), [this] { pump(); });
}

void LoginQueue::pump() {
  pump_wanted_ = false;
  while (active_ < concurrency_ && !waiting_.empty()) {
    Session& session = *waiting_.front();
    waiting_.pop_front();
    ++active_;
    if (session.login.started_ns == 0) session.login.started_ns = shard_.loop.now();
    ++session.login.attempts;
    session.start();
  }
}

void LoginQueue::on_live(Session& session) {
  --active_;
  --unsettled_;
  const std::int64_t now = shard_.loop.now();
  latency.record(static_cast<std::uint64_t>(now - session.login.started_ns));
  hello.record(static_cast<std::uint64_t>(now - session.login.hello_ns));
  want_pump();
}

void LoginQueue::on_failed(Session& session, std::uint32_t retry_after_ms, bool final) {
  --active_;
  if (final) {
    --unsettled_;
    ++refused_;
    shard_.counters.add(Counter::errors);
  } else {
    shard_.counters.add(Counter::login_retries);
    // Without a hint: twice the pause each time. With one: that, and up to a quarter more against a stampede.
    std::uint32_t pause = retry_after_ms;
    if (pause == 0) pause = std::min(kFirstPauseMs << std::min(session.login.attempts, 10U), kLongestPauseMs);
    pause += static_cast<std::uint32_t>(shard_.random.next() % (pause / 4 + 1));
    enqueue(session, pause);
  }
  want_pump();
}

}  // namespace godwit::bench
