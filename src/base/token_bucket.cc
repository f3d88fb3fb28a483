#include "base/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace godwit {

std::uint32_t TokenBucket::take(std::int64_t now_ms, std::uint32_t rate_per_s, std::uint32_t burst,
                                std::uint32_t cost) {
  if (rate_per_s == 0) return 0;
  const auto full = static_cast<float>(std::max(burst, cost));
  if (!started_) {
    tokens_ = full;
    started_ = true;
  } else if (now_ms > filled_at_ms_) {
    const auto gained = static_cast<float>(now_ms - filled_at_ms_) * static_cast<float>(rate_per_s) / 1000.0F;
    tokens_ = std::min(full, tokens_ + gained);
  }
  filled_at_ms_ = now_ms;
  const auto wanted = static_cast<float>(cost);
  if (tokens_ >= wanted) {
    tokens_ -= wanted;
    return 0;
  }
  return static_cast<std::uint32_t>(std::ceil((wanted - tokens_) * 1000.0F / static_cast<float>(rate_per_s)));
}

}  // namespace godwit
