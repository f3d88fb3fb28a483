// What all connections of one address (IpAddress::network()) may ask for together, on one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "base/token_bucket.h"

namespace godwit {

// Owner: one worker. Bound: kMaxAddresses; the oldest is forgotten, and starts anew when it comes back.
class AddressLimits {
 public:
  static constexpr std::size_t kMaxAddresses = 100'000;
  struct Buckets {
    TokenBucket requests;
    TokenBucket registrations;
  };
  // Valid until the next call.
  Buckets& of(const std::string& network);
  std::size_t size() const { return buckets_.size(); }

 private:
  std::unordered_map<std::string, Buckets> buckets_;
  std::deque<std::string> order_;
};

}  // namespace godwit
