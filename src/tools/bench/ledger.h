// Everything that is known of every message of a lane; for runs in which connections break.
#pragma once

#include <cstdint>
#include <vector>

#include "godwit/ids.h"

namespace godwit::bench {

struct LedgerEntry {
  MessageId id;
  std::int64_t intended_ns = 0;
  std::uint64_t sent_chat_seq = 0;       // as answered; 0 when not answered
  std::uint64_t delivered_chat_seq = 0;  // as delivered; 0 when not delivered
};

// By counter. Grows by 40 bytes a message: for runs of minutes at moderate rates.
class Ledger {
 public:
  void on_send(std::uint32_t counter, const MessageId& id, std::int64_t intended_ns) {
    if (counter == entries_.size()) entries_.push_back({id, intended_ns, 0, 0});
  }
  // Each false when it contradicts what is known: a message has one chat_seq for ever.
  bool on_sent(std::uint32_t counter, std::uint64_t chat_seq) {
    LedgerEntry& entry = entries_[counter];
    const bool same = agrees(entry.sent_chat_seq, chat_seq) && agrees(entry.delivered_chat_seq, chat_seq);
    entry.sent_chat_seq = chat_seq;
    return same;
  }
  bool on_delivered(std::uint32_t counter, const MessageId& id, std::uint64_t chat_seq) {
    LedgerEntry& entry = entries_[counter];
    const bool same = agrees(entry.sent_chat_seq, chat_seq) && entry.id == id;
    entry.delivered_chat_seq = chat_seq;
    return same;
  }
  const LedgerEntry& entry(std::uint32_t counter) const { return entries_[counter]; }
  // Answered Sent and not delivered.
  std::uint64_t lost() const {
    std::uint64_t count = 0;
    for (const LedgerEntry& entry : entries_) {
      if (entry.sent_chat_seq != 0 && entry.delivered_chat_seq == 0) ++count;
    }
    return count;
  }

 private:
  static bool agrees(std::uint64_t known, std::uint64_t told) { return known == 0 || known == told; }

  std::vector<LedgerEntry> entries_;
};

}  // namespace godwit::bench
