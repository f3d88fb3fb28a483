// Message ids that were read back from the logs of chats: those that the table (chat/dedup.h) has forgotten.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "chat/dedup.h"
#include "godwit/ids.h"

namespace godwit {

// All ids that one chat accepted from `from_ms` on, until it was read.
struct LogScan {
  ChatId chat;
  std::int64_t from_ms = 0;
  // What it does not have went through the table, at this place (DedupTable::inserted()) or a later one.
  std::uint64_t upto = 0;
  bool whole = false;  // as far back as was asked for; else as far as may be read at a time
  std::vector<std::pair<DedupKey, DedupEntry>> ids;  // ascending, see sort()

  void sort() {
    std::sort(ids.begin(), ids.end(), [](const auto& a, const auto& b) { return before(a.first, b.first); });
  }
  const DedupEntry* find(const DedupKey& key) const {
    const auto it = std::lower_bound(ids.begin(), ids.end(), key,
                                     [](const auto& one, const DedupKey& wanted) { return before(one.first, wanted); });
    return it != ids.end() && it->first == key ? &it->second : nullptr;
  }

 private:
  static bool before(const DedupKey& a, const DedupKey& b) {
    return std::pair(a.low, a.high) < std::pair(b.low, b.high);
  }
};

// They are kept apart from the table, where they would take the room of newer ones: a device that comes back with old
// messages of one chat has its log read once.
//
// Owner: one worker. Bound: kMaxScans, and kMaxIds in all of them together; the oldest make room.
class LogScans {
 public:
  static constexpr std::size_t kMaxScans = 256;
  static constexpr std::size_t kMaxIds = 100'000;

  // The chat's; null when there is none.
  const LogScan* find(const ChatId& chat) const {
    const auto it = of(chat);
    return it != scans_.end() ? &*it : nullptr;
  }
  void keep(LogScan scan) {
    if (const auto old = of(scan.chat); old != scans_.end()) drop(old);
    ids_ += scan.ids.size();
    scans_.push_back(std::move(scan));
    while (scans_.size() > 1 && (scans_.size() > kMaxScans || ids_ > kMaxIds)) drop(scans_.begin());
  }

 private:
  using Scans = std::deque<LogScan>;

  Scans::const_iterator of(const ChatId& chat) const {
    return std::find_if(scans_.begin(), scans_.end(), [&](const LogScan& scan) { return scan.chat == chat; });
  }
  void drop(Scans::const_iterator scan) {
    ids_ -= scan->ids.size();
    scans_.erase(scan);
  }

  Scans scans_;
  std::size_t ids_ = 0;
};

}  // namespace godwit
