#include "account/allowance.h"

#include <algorithm>
#include <cmath>

namespace godwit {
namespace {

constexpr double kDayMs = 24.0 * 3600 * 1000;

}  // namespace

std::uint32_t Allowance::take(std::int64_t now_ms, std::uint32_t per_day, std::uint32_t cost) {
  if (per_day == 0) return 0;
  const double per_ms = per_day / kDayMs;
  const auto passed_ms = static_cast<double>(std::max<std::int64_t>(0, now_ms - at_ms));
  spent = std::max(0.0, spent - passed_ms * per_ms);
  at_ms = now_ms;
  const double missing = spent + cost - per_day;
  if (missing > 0) return static_cast<std::uint32_t>(std::min(std::ceil(missing / per_ms), kDayMs));
  spent += cost;
  return 0;
}

}  // namespace godwit
