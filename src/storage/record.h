// A journal record in memory: what happened, where it belongs, who waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "godwit/ids.h"
#include "godwit/result.h"
#include "store.pb.h"

namespace godwit {

// Who gets an entry, by worker. Shared by the messages of a group until its members change.
struct Recipients {
  std::vector<std::vector<UserId>> by_worker;  // each ascending
  std::uint64_t workers = 0;  // one bit each: those that have any

  std::size_t size() const {
    std::size_t count = 0;
    for (const auto& users : by_worker) count += users.size();
    return count;
  }
};

struct Record {
  // What happened. Constant from Journal::append on: workers share it.
  store::Record body;
  // Given by the journal when it is written; constant from the sink on.
  Lsn lsn;
  // Messages to groups: the members at that position. Not stored: it follows from the members' spans.
  std::shared_ptr<const Recipients> recipients;
  // The workers that apply it, one bit each (at most 64 workers).
  std::uint64_t workers = 0;
  // Who waits for the outcome: `done` runs once on worker `done_worker`, in journal order, with Errc::ok
  // after the commit, else with what failed. Only that worker touches it. Not part of what is stored.
  static constexpr unsigned kNobody = ~0U;
  unsigned done_worker = kNobody;
  std::function<void(const Record&, Errc)> done;
  // Encoded `body`; released after the write.
  std::string encoded;
};

using RecordPtr = std::shared_ptr<Record>;

// The record of a message as it is once the content is removed by `removal`. The original is shared and stays.
inline RecordPtr without_content(const Record& original, const store::MessageAppended& removal) {
  auto emptied = std::make_shared<Record>();
  emptied->body = original.body;
  emptied->lsn = original.lsn;
  auto& message = *emptied->body.mutable_message();
  message.set_envelope(removal.removed_envelope());
  message.clear_expires_ms();
  message.clear_per_device();
  return emptied;
}

}  // namespace godwit
