#include "net/quotas.h"

#include <cstring>

namespace godwit::net {

ConnectionToken Quotas::acquire() {
  ConnectionToken token;
  if (total_.fetch_add(1, std::memory_order_relaxed) < max_total_) {
    token.quotas_ = this;
  } else {
    total_.fetch_sub(1, std::memory_order_relaxed);
  }
  return token;
}

bool ConnectionToken::bind(const IpAddress& address) {
  const IpAddress network = address.network();
  Key key;
  std::memcpy(&key, network.bytes.data(), sizeof key);
  const std::lock_guard lock(quotas_->mutex_);
  Entry& entry = *quotas_->by_address_.try_emplace(key, 0).first;
  if (quotas_->max_per_address_ != 0 && entry.second >= quotas_->max_per_address_) return false;
  ++entry.second;
  entry_ = &entry;
  return true;
}

void ConnectionToken::release() {
  if (quotas_ == nullptr) return;
  if (entry_ != nullptr) {
    const std::lock_guard lock(quotas_->mutex_);
    if (--entry_->second == 0) quotas_->by_address_.erase(entry_->first);
  }
  quotas_->total_.fetch_sub(1, std::memory_order_relaxed);
  quotas_ = nullptr;
  entry_ = nullptr;
}

}  // namespace godwit::net
