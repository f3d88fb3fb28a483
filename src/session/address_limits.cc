#include "session/address_limits.h"

namespace godwit {

AddressLimits::Buckets& AddressLimits::of(const std::string& network) {
  const auto it = buckets_.find(network);
  if (it != buckets_.end()) return it->second;
  if (buckets_.size() >= kMaxAddresses) {
    buckets_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(network);
  return buckets_[network];
}

}  // namespace godwit
