// Pushes of presence, typing, statuses and calls, in the order in which they came, until the command looks at
// them: showing one may wait for the server, which no handler may.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "godwit.pb.h"

namespace godwit::cli {

// At most kMaxWaiting wait; beyond that presence and typing are left out, and past twice that everything,
// until some are taken.
class News {
 public:
  static constexpr std::size_t kMaxWaiting = 4096;

  void add(const v1::ServerFrame& push) {
    const bool passing = push.has_presences() || push.has_typing_notice();
    if (waiting_.size() < (passing ? kMaxWaiting : 2 * kMaxWaiting)) waiting_.push_back(push);
  }
  bool empty() const { return waiting_.empty(); }
  // Precondition: not empty().
  v1::ServerFrame take() {
    v1::ServerFrame first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }

 private:
  std::deque<v1::ServerFrame> waiting_;
};

}  // namespace godwit::cli
