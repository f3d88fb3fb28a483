#include "keys/claim_quota.h"

#include <algorithm>

#include "store.pb.h"

namespace godwit {

void ClaimQuota::load(const store::KeysRow& row) {
  all_ = {row.claimed().spent(), row.claimed().at_ms()};
  for (const store::SpentByClaimer& claimer : row.claimers()) {
    claimers_.push_back({UserId(claimer.user()), {claimer.spent().spent(), claimer.spent().at_ms()}});
  }
}

void ClaimQuota::save(store::KeysRow& row) const {
  row.mutable_claimed()->set_spent(all_.spent);
  row.mutable_claimed()->set_at_ms(all_.at_ms);
  for (const Claimer& claimer : claimers_) {
    store::SpentByClaimer& saved = *row.add_claimers();
    saved.set_user(claimer.user.value);
    saved.mutable_spent()->set_spent(claimer.spent.spent);
    saved.mutable_spent()->set_at_ms(claimer.spent.at_ms);
  }
}

bool ClaimQuota::take(UserId claimer, const Limits& limits, std::int64_t now_ms) {
  if (all_.take(now_ms, limits.per_hour, 1, kAllowanceHourMs) != 0) return false;
  if (limits.per_claimer == 0) return true;
  std::erase_if(claimers_, [&](const Claimer& one) { return now_ms - one.spent.at_ms >= kAllowanceHourMs; });
  auto it = std::find_if(claimers_.begin(), claimers_.end(), [&](const Claimer& one) { return one.user == claimer; });
  if (it == claimers_.end()) {
    if (claimers_.size() >= kMaxClaimers) claimers_.erase(claimers_.begin());
    it = claimers_.insert(claimers_.end(), {claimer, {}});
  }
  if (it->spent.take(now_ms, limits.per_claimer, 1, kAllowanceHourMs) == 0) return true;
  all_.give_back(1);
  return false;
}

void ClaimQuota::give_back(UserId claimer) {
  all_.give_back(1);
  for (Claimer& one : claimers_) {
    if (one.user == claimer) one.spent.give_back(1);
  }
}

}  // namespace godwit
