// Token bucket (RFC 2697 in spirit): `rate` tokens a second, at most `burst` saved up. 16 bytes, no timer.
#pragma once

#include <cstdint>

namespace godwit {

class TokenBucket {
 public:
  // Takes `cost` tokens if they are there. Returns 0 when taken, else the milliseconds after which they
  // will be. A rate of 0 means unlimited. A bucket starts full. The clock must be monotonic.
  std::uint32_t take(std::int64_t now_ms, std::uint32_t rate_per_s, std::uint32_t burst, std::uint32_t cost = 1);

 private:
  std::int64_t filled_at_ms_ = 0;
  float tokens_ = 0;
  bool started_ = false;
};

}  // namespace godwit
