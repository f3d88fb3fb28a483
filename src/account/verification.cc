#include "account/verification.h"

#include <sodium.h>

#include "base/random.h"

namespace godwit {

Result<std::string> Verification::make(const std::string& handle, std::int64_t now_ms) {
  drop_old(now_ms);
  const auto it = codes_.find(handle);
  if (it != codes_.end() && now_ms - it->second.made_ms < options_.resend_after_ms) {
    const auto wait = static_cast<std::uint32_t>(it->second.made_ms + options_.resend_after_ms - now_ms);
    return Error(Errc::rate_limited, "a code was sent a moment ago", wait);
  }
  std::string digits = std::to_string(1'000'000 + random_below(1'000'000)).substr(1);
  codes_.insert_or_assign(handle, Code{digits, now_ms, options_.attempts});
  order_.emplace_back(now_ms, handle);
  return digits;
}

bool Verification::check(const std::string& handle, std::string_view code, std::int64_t now_ms) {
  const auto it = codes_.find(handle);
  if (it == codes_.end()) return false;
  Code& known = it->second;
  if (now_ms - known.made_ms > options_.code_ttl_ms || known.attempts_left == 0) return false;
  --known.attempts_left;
  const bool right =
      code.size() == known.digits.size() && sodium_memcmp(code.data(), known.digits.data(), code.size()) == 0;
  if (right) codes_.erase(it);
  return right;
}

void Verification::drop_old(std::int64_t now_ms) {
  while (!order_.empty() &&
         (order_.front().first + options_.code_ttl_ms < now_ms || codes_.size() >= options_.max_codes)) {
    const auto it = codes_.find(order_.front().second);
    if (it != codes_.end() && it->second.made_ms == order_.front().first) codes_.erase(it);
    order_.pop_front();
  }
}

}  // namespace godwit
