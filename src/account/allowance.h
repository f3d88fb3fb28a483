// So much a day, kept across restarts.
#pragma once

#include <cstdint>

namespace godwit {

// A token bucket that holds a day's worth and fills over a day, by the wall clock: it is stored with the
// account. What it says after a jump of that clock is off by the jump, and never more than a day's worth.
struct Allowance {
  double spent = 0;
  std::int64_t at_ms = 0;

  // Takes `cost` if it is there. Returns 0 when taken, else after how many milliseconds it will be.
  // `per_day` 0 is without limit; a cost beyond `per_day` never is there.
  std::uint32_t take(std::int64_t now_ms, std::uint32_t per_day, std::uint32_t cost);
};

}  // namespace godwit
