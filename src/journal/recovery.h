// Reads the journal's files after a start: what is in them, and which of them are to be kept.
#pragma once

#include <string>
#include <vector>

#include "godwit/journal.h"
#include "journal/segment_pool.h"

namespace godwit {

struct RecoveredLog {
  // The last position found, or the one asked to replay from when there is nothing after it.
  Lsn last;
  // Segments whose records may still be needed, ascending.
  std::vector<SegmentPool::Live> live;
  // Files that hold nothing that is needed.
  std::vector<std::string> unused;
};

// Feeds every record after `from` to `replay`, in order. What is returned is on stable storage, also when the
// process that wrote it did not live to sync it. A torn tail is logged and left out: new records go into a
// new segment. Throws std::runtime_error with a sentence when records after `from` are missing or damaged
// anywhere else.
RecoveredLog recover_log(const std::string& directory, Lsn from, const Journal::Replay& replay);

}  // namespace godwit
