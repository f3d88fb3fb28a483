// Verification codes that are out: one per handle, short lived, in memory.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "godwit/result.h"

namespace godwit {

struct VerificationOptions {
  std::int64_t code_ttl_ms = 600'000;
  std::uint32_t attempts = 5;
  std::int64_t resend_after_ms = 60'000;
  std::size_t max_codes = 100'000;  // per worker; beyond it the oldest is dropped
};

// Owner: one worker (that of the handle). A restart forgets the codes; people ask again.
class Verification {
 public:
  explicit Verification(const VerificationOptions& options) : options_(options) {}

  // A new six-digit code, which replaces an earlier one. rate_limited when the last is too young.
  Result<std::string> make(const std::string& handle, std::int64_t now_ms);

  // True, and the code is used up, when it is the right one in time. A wrong one costs an attempt.
  bool check(const std::string& handle, std::string_view code, std::int64_t now_ms);

 private:
  struct Code {
    std::string digits;
    std::int64_t made_ms;
    std::uint32_t attempts_left;
  };
  void drop_old(std::int64_t now_ms);

  const VerificationOptions options_;
  std::unordered_map<std::string, Code> codes_;
  std::deque<std::pair<std::int64_t, std::string>> order_;
};

}  // namespace godwit
