#include "base/allowance.h"

#include <algorithm>
#include <cmath>

namespace godwit {

std::uint32_t Allowance::take(std::int64_t now_ms, std::uint32_t amount, std::uint32_t cost, std::int64_t period_ms) {
  if (amount == 0) return 0;
  const auto period = static_cast<double>(period_ms);
  const double per_ms = amount / period;
  const auto passed_ms = static_cast<double>(std::max<std::int64_t>(0, now_ms - at_ms));
  spent = std::max(0.0, spent - passed_ms * per_ms);
  at_ms = now_ms;
  const double missing = spent + cost - amount;
  if (missing > 0) return static_cast<std::uint32_t>(std::min(std::ceil(missing / per_ms), period));
  spent += cost;
  return 0;
}

void Allowance::give_back(double cost) {
  spent = std::max(0.0, spent - cost);
}

}  // namespace godwit
