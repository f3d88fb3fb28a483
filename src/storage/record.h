// A journal record in memory: what happened, where it belongs, who waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "godwit/ids.h"
#include "godwit/result.h"
#include "store.pb.h"

namespace godwit {

struct Record {
  // What happened. Constant from Journal::append on: workers share it.
  store::Record body;
  // Given by the journal when it is written; constant from the sink on.
  Lsn lsn;
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

}  // namespace godwit
