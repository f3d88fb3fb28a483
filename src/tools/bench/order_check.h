// Whether the messages of one sender to one recipient arrive all, once, and in order.
#pragma once

#include <cstdint>
#include <set>

namespace godwit::bench {

enum class Arrival : std::uint8_t {
  in_order,
  late,       // after one that was sent later
  duplicate,  // was here before
  forgiven,   // need not have come
};

// Counters are those of the sender, from 0, without holes. Memory is bounded by the number of messages that
// are overtaken or refused at one time.
class OrderCheck {
 public:
  // Precondition: `counter` was sent, so that a damaged counter cannot open a hole of millions.
  Arrival on_arrival(std::uint32_t counter);
  // True when `chat_seq` is beyond all that came before it.
  bool on_chat_seq(std::uint64_t chat_seq);
  // The server refused this one for good: it need not arrive. False when it has arrived already.
  bool forgive(std::uint32_t counter);
  // How many of the first `sent` messages have neither arrived nor been forgiven.
  std::uint64_t missing(std::uint32_t sent) const;
  std::uint64_t last_chat_seq() const { return last_chat_seq_; }

 private:
  std::uint32_t next_ = 0;
  std::uint64_t last_chat_seq_ = 0;
  std::set<std::uint32_t> holes_;     // below next_, not arrived, not forgiven
  std::set<std::uint32_t> forgiven_;  // at or above next_, or below it and not arrived
};

}  // namespace godwit::bench
