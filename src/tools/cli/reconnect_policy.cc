#include "tools/cli/reconnect_policy.h"

#include <algorithm>
#include <utility>

namespace godwit::cli {
namespace {

constexpr std::uint16_t kNormalClosure = 1000;
constexpr std::uint16_t kTryAgainLater = 1013;
constexpr std::uint32_t kMaxDoublings = 16;

}  // namespace

CloseAdvice close_advice(std::uint16_t code) {
  if (code >= 4000 && code < 4100) return CloseAdvice::now;
  if (code >= 4100 && code < 4200) return CloseAdvice::later;
  if (code >= 4200 && code < 4300) return CloseAdvice::never;
  // A normal closure that we did not ask for: by something in between that means no harm.
  if (code == kNormalClosure || code == kTryAgainLater) return CloseAdvice::later;
  for (const CloseInfo& row : close_table()) {
    if (row.code == code) return row.advice;
  }
  return CloseAdvice::now;
}

std::string close_name(std::uint16_t code) {
  for (const CloseInfo& row : close_table()) {
    if (row.code == code) return std::string(row.name);
  }
  return "close_" + std::to_string(code);
}

ReconnectPolicy::ReconnectPolicy(std::function<std::uint32_t(std::uint32_t)> random_below)
    : random_below_(std::move(random_below)) {}

ReconnectDecision ReconnectPolicy::on_closed(std::uint16_t code) {
  const CloseAdvice advice = close_advice(code);
  if (advice == CloseAdvice::never) return {false, {}};
  const std::uint64_t base = advice == CloseAdvice::now ? kNowBaseMs : kLaterBaseMs;
  const std::uint64_t span = std::min<std::uint64_t>(kMaxWaitMs, base << std::min(attempts_, kMaxDoublings));
  ++attempts_;
  const std::uint32_t jitter = random_below_(static_cast<std::uint32_t>(span) + 1);
  const std::uint32_t hint = std::exchange(hint_ms_, 0);
  // The server has spread its hints already: on top of them only what a first attempt would wait.
  const std::uint64_t wait = hint > 0 ? std::uint64_t{hint} + std::min(jitter, kNowBaseMs) : jitter;
  return {true, std::chrono::milliseconds(wait)};
}

}  // namespace godwit::cli
