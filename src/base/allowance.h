// So much a day or an hour, kept across restarts.
#pragma once

#include <cstdint>

namespace godwit {

inline constexpr std::int64_t kAllowanceDayMs = 24LL * 3600 * 1000;
inline constexpr std::int64_t kAllowanceHourMs = 3600 * 1000;

// A token bucket that holds what a period has and fills over a period, by the wall clock: it is stored with whom it is
// of. What it says after a jump of that clock is off by the jump, and never more than a period's worth.
struct Allowance {
  double spent = 0;
  std::int64_t at_ms = 0;

  // Takes `cost` of the `amount` that a period has, if it is there. Returns 0 when taken, else after how many
  // milliseconds it will be. `amount` 0 is without limit; a cost beyond `amount` never is there.
  std::uint32_t take(std::int64_t now_ms, std::uint32_t amount, std::uint32_t cost,
                     std::int64_t period_ms = kAllowanceDayMs);
  // What was taken of late, and not used.
  void give_back(double cost);
};

}  // namespace godwit
