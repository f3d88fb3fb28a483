// What became of every message of a group, and whether its members agree about it.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/bench/histogram.h"

namespace godwit::bench {

// One position of the group's log.
struct GroupEntry {
  std::uint32_t lane = 0;     // the sender
  std::uint32_t counter = 0;  // which of the sender's messages, from 0
  std::int64_t sent_ns = 0;   // when it was due
  std::int64_t last_ns = 0;   // when the last member got it
  std::uint32_t deliveries = 0;
  std::uint32_t told = 0;  // members that have received it, as the sender was told
  bool known = false;      // what is here is a message of this run
  bool stored = false;     // answered Sent
};

// Each shard keeps one of its own members; they are merged at the end. Grows by 40 bytes a message.
class GroupLog {
 public:
  // A position so far beyond the last one is taken for damage.
  static constexpr std::uint64_t kMostAhead = 1'000'000;

  // The server gave the message this position. False when that contradicts what is known: a position has one
  // message for ever.
  bool on_sent(std::uint64_t chat_seq, std::uint32_t lane, std::uint32_t counter, std::int64_t sent_ns);
  // A member got it. False as above.
  bool on_delivered(std::uint64_t chat_seq, std::uint32_t lane, std::uint32_t counter, std::int64_t sent_ns,
                    std::int64_t now_ns);
  // The sender was told that so many have it.
  void on_receipt(std::uint64_t chat_seq, std::uint32_t delivered);
  // Adds what another shard knows; returns how many positions contradict one another.
  std::uint64_t merge(const GroupLog& other);

  // By position, from 0, which no message has.
  const std::vector<GroupEntry>& entries() const { return entries_; }
  // How many members of this log have the message at `chat_seq`.
  std::uint32_t deliveries(std::uint64_t chat_seq) const {
    return chat_seq < entries_.size() ? entries_[chat_seq].deliveries : 0;
  }
  // Answered messages times members that did not get them; each should reach `recipients`.
  std::uint64_t lost(std::uint32_t recipients) const;
  // Answered messages whose sender was not told that all `recipients` have them.
  std::uint64_t receipts_behind(std::uint32_t recipients) const;
  // Messages that stand in the log after a later one of the same sender, except of senders that had to
  // repeat.
  std::uint64_t misplaced(const std::vector<bool>& repeated_by_lane) const;
  // From when it was due to the last delivery, of messages due in [from, to) that reached all.
  Histogram last_delivery(std::int64_t from_ns, std::int64_t to_ns, std::uint32_t recipients) const;

 private:
  GroupEntry* entry(std::uint64_t chat_seq);
  static bool claim(GroupEntry& entry, std::uint32_t lane, std::uint32_t counter, std::int64_t sent_ns);

  std::vector<GroupEntry> entries_;
};

// The order in which one member gets the log.
class MemberCheck {
 public:
  // False when `chat_seq` is not beyond all that came before: it is late, or here again.
  bool on_arrival(std::uint64_t chat_seq) {
    if (chat_seq <= last_) return false;
    last_ = chat_seq;
    return true;
  }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace godwit::bench
