#include "tools/bench/order_check.h"

#include <iterator>

namespace godwit::bench {

Arrival OrderCheck::on_arrival(std::uint32_t counter) {
  if (counter == next_ && forgiven_.empty()) {
    ++next_;
    return Arrival::in_order;
  }
  if (counter >= next_) {
    for (; next_ < counter; ++next_) {
      if (!forgiven_.contains(next_)) holes_.insert(next_);
    }
    ++next_;
    return forgiven_.erase(counter) > 0 ? Arrival::forgiven : Arrival::in_order;
  }
  if (holes_.erase(counter) > 0) return Arrival::late;
  return forgiven_.erase(counter) > 0 ? Arrival::forgiven : Arrival::duplicate;
}

bool OrderCheck::on_chat_seq(std::uint64_t chat_seq) {
  if (chat_seq <= last_chat_seq_) return false;
  last_chat_seq_ = chat_seq;
  return true;
}

bool OrderCheck::forgive(std::uint32_t counter) {
  if (counter < next_ && holes_.erase(counter) == 0) return false;
  forgiven_.insert(counter);
  return true;
}

std::uint64_t OrderCheck::missing(std::uint32_t sent) const {
  const auto pending_forgiven = std::distance(forgiven_.lower_bound(next_), forgiven_.lower_bound(sent));
  const std::uint64_t pending = sent > next_ ? sent - next_ : 0;
  return holes_.size() + pending - static_cast<std::uint64_t>(pending > 0 ? pending_forgiven : 0);
}

}  // namespace godwit::bench
