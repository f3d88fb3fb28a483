#include "tools/bench/group_log.h"

#include <algorithm>

namespace godwit::bench {

GroupEntry* GroupLog::entry(std::uint64_t chat_seq) {
  if (chat_seq == 0 || chat_seq > entries_.size() + kMostAhead) return nullptr;
  if (chat_seq >= entries_.size()) entries_.resize(chat_seq + 1);
  return &entries_[chat_seq];
}

bool GroupLog::claim(GroupEntry& entry, std::uint32_t lane, std::uint32_t counter, std::int64_t sent_ns) {
  if (entry.known) return entry.lane == lane && entry.counter == counter;
  entry.lane = lane;
  entry.counter = counter;
  entry.sent_ns = sent_ns;
  entry.known = true;
  return true;
}

bool GroupLog::on_sent(std::uint64_t chat_seq, std::uint32_t lane, std::uint32_t counter,
                       std::int64_t sent_ns) {
  GroupEntry* here = entry(chat_seq);
  if (here == nullptr || !claim(*here, lane, counter, sent_ns)) return false;
  here->stored = true;
  return true;
}

bool GroupLog::on_delivered(std::uint64_t chat_seq, std::uint32_t lane, std::uint32_t counter,
                            std::int64_t sent_ns, std::int64_t now_ns) {
  GroupEntry* here = entry(chat_seq);
  if (here == nullptr || !claim(*here, lane, counter, sent_ns)) return false;
  here->last_ns = std::max(here->last_ns, now_ns);
  ++here->deliveries;
  return true;
}

void GroupLog::on_receipt(std::uint64_t chat_seq, std::uint32_t delivered) {
  if (chat_seq < entries_.size()) entries_[chat_seq].told = std::max(entries_[chat_seq].told, delivered);
}

std::uint64_t GroupLog::merge(const GroupLog& other) {
  entries_.resize(std::max(entries_.size(), other.entries_.size()));
  std::uint64_t contradictions = 0;
  for (std::size_t i = 0; i < other.entries_.size(); ++i) {
    const GroupEntry& theirs = other.entries_[i];
    if (!theirs.known) continue;
    GroupEntry& ours = entries_[i];
    if (!claim(ours, theirs.lane, theirs.counter, theirs.sent_ns)) {
      ++contradictions;
      continue;
    }
    ours.last_ns = std::max(ours.last_ns, theirs.last_ns);
    ours.deliveries += theirs.deliveries;
    ours.told = std::max(ours.told, theirs.told);
    ours.stored = ours.stored || theirs.stored;
  }
  return contradictions;
}

std::uint64_t GroupLog::lost(std::uint32_t recipients) const {
  std::uint64_t count = 0;
  for (const GroupEntry& one : entries_) {
    if (one.stored && one.deliveries < recipients) count += recipients - one.deliveries;
  }
  return count;
}

std::uint64_t GroupLog::receipts_behind(std::uint32_t recipients) const {
  return static_cast<std::uint64_t>(
      std::count_if(entries_.begin(), entries_.end(),
                    [&](const GroupEntry& one) { return one.stored && one.told < recipients; }));
}

std::uint64_t GroupLog::misplaced(const std::vector<bool>& repeated_by_lane) const {
  std::vector<std::uint32_t> next(repeated_by_lane.size(), 0);
  std::uint64_t count = 0;
  for (const GroupEntry& one : entries_) {
    if (!one.known || one.lane >= next.size() || repeated_by_lane[one.lane]) continue;
    if (one.counter < next[one.lane]) ++count;
    next[one.lane] = std::max(next[one.lane], one.counter + 1);
  }
  return count;
}

Histogram GroupLog::last_delivery(std::int64_t from_ns, std::int64_t to_ns, std::uint32_t recipients) const {
  Histogram times;
  for (const GroupEntry& one : entries_) {
    if (!one.stored || one.deliveries < recipients || one.sent_ns < from_ns || one.sent_ns >= to_ns) continue;
    times.record(static_cast<std::uint64_t>(std::max<std::int64_t>(one.last_ns - one.sent_ns, 0)));
  }
  return times;
}

}  // namespace godwit::bench
