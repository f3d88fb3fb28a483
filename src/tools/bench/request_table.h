// The Sends of one session that have not been answered.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "godwit/ids.h"

namespace godwit::bench {

struct Request {
  MessageId id;
  std::int64_t intended_ns = 0;  // goes into the stamp; kept, since a repetition must have the same payload
  std::uint32_t lane = 0;
  std::uint32_t counter = 0;
  bool open = false;
  bool retry_pending = false;  // not in flight: a timer will send it again
  bool echo = false;           // answered before, sent again to see whether the answer is the same
};

// Request ids are small and used again, which keeps them short on the wire. Bounded by the limit given to
// take().
class RequestTable {
 public:
  // 0 when `limit` requests are open.
  std::uint64_t take(std::uint32_t limit) {
    if (free_.empty()) {
      if (slots_.size() >= limit) return 0;
      slots_.emplace_back();
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    }
    const std::uint32_t request_id = free_.back();
    free_.pop_back();
    slots_[request_id - 1] = Request();
    slots_[request_id - 1].open = true;
    return request_id;
  }
  // Null when no such request is open. Valid until the next take().
  Request* find(std::uint64_t request_id) {
    if (request_id == 0 || request_id > slots_.size() || !slots_[request_id - 1].open) return nullptr;
    return &slots_[request_id - 1];
  }
  // Precondition: it is open.
  void release(std::uint64_t request_id) {
    slots_[request_id - 1].open = false;
    free_.push_back(static_cast<std::uint32_t>(request_id));
  }
  // Ids of the open requests in the order in which they were first sent.
  std::vector<std::uint64_t> open_in_order() const {
    std::vector<std::uint64_t> ids;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].open) ids.push_back(i + 1);
    }
    std::sort(ids.begin(), ids.end(), [this](std::uint64_t a, std::uint64_t b) {
      const Request& x = slots_[a - 1];
      const Request& y = slots_[b - 1];
      return x.intended_ns != y.intended_ns ? x.intended_ns < y.intended_ns : x.counter < y.counter;
    });
    return ids;
  }

 private:
  std::vector<Request> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace godwit::bench
