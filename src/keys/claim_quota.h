// How many claims may take one-time keys of a user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/allowance.h"
#include "godwit/ids.h"

namespace godwit {

namespace store {
class KeysRow;
}  // namespace store

// By the hour: of all claimers together, so that a stock outlasts a crowd, and of each, so that nobody takes the share of
// the others. Part of UserKeys, and stored with it.
//
// Bound: kMaxClaimers. Whoever took keys longer than an hour ago is forgotten; with more in one hour, the first.
class ClaimQuota {
 public:
  static constexpr std::size_t kMaxClaimers = 1'000;
  struct Limits {
    std::uint32_t per_hour = 0;     // 0 is no limit, here and below
    std::uint32_t per_claimer = 0;
  };

  void load(const store::KeysRow& row);
  void save(store::KeysRow& row) const;

  // Whether `claimer` may have keys now; then it has spent one.
  bool take(UserId claimer, const Limits& limits, std::int64_t now_ms);
  // It got none after all.
  void give_back(UserId claimer);

 private:
  struct Claimer {
    UserId user;
    Allowance spent;
  };
  Allowance all_;
  std::vector<Claimer> claimers_;  // in the order of their first claims
};

}  // namespace godwit
