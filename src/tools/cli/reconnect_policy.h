// Whether and when to connect again after a connection has ended.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "godwit/close_reason.h"

namespace godwit::cli {

// What the close code asks for: 4000-4099 now, 4100-4199 later, 4200-4299 never; other codes by RFC 6455.
CloseAdvice close_advice(std::uint16_t code);
// The name in close_reasons.def, or "close_<code>".
std::string close_name(std::uint16_t code);

struct ReconnectDecision {
  bool again = true;
  std::chrono::milliseconds wait{0};
};

// Exponential backoff with full jitter, so that clients of a restarted server do not return in step:
// each wait is uniform in [0, base * 2^attempt], at most kMaxWaitMs; for "later" it begins higher. A wait
// asked for by the server is a lower bound.
class ReconnectPolicy {
 public:
  static constexpr std::uint32_t kNowBaseMs = 200;
  static constexpr std::uint32_t kLaterBaseMs = 2000;
  static constexpr std::uint32_t kMaxWaitMs = 30'000;

  // `random_below(n)` is uniform in [0, n).
  explicit ReconnectPolicy(std::function<std::uint32_t(std::uint32_t)> random_below);

  // The session was accepted: the next failure is the first again.
  void on_welcome() { attempts_ = 0; }
  // Reconnect.after_ms, Error.retry_after_ms or Retry-After; counts once, for the next decision.
  void on_hint(std::uint32_t after_ms) { hint_ms_ = std::max(hint_ms_, after_ms); }
  ReconnectDecision on_closed(std::uint16_t code);

 private:
  std::function<std::uint32_t(std::uint32_t)> random_below_;
  std::uint32_t attempts_ = 0;
  std::uint32_t hint_ms_ = 0;
};

}  // namespace godwit::cli
