// Disappearing messages: compaction takes the content out of what has expired.
// Private to the storage folder: it needs RocksDB's headers.
#pragma once

#include <rocksdb/compaction_filter.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "godwit/clock.h"

namespace godwit {

// `expires_ms` of an encoded LogEntry, without decoding the rest; 0 when it has none or is malformed.
std::int64_t log_entry_expires_ms(std::string_view encoded);

// Makes one filter per compaction. An entry that has expired stays in the log without its content, so that
// positions have no holes and a message sent again is still recognised. Thread safe.
class LogFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  // A jump of the wall clock while the process runs does not count (see InboxFilterFactory).
  explicit LogFilterFactory(const Clock& clock)
      : clock_(clock), wall_at_start_ms_(clock.wall_ms()), steady_at_start_ms_(clock.steady_ms()) {}

  std::int64_t now_ms() const { return wall_at_start_ms_ + (clock_.steady_ms() - steady_at_start_ms_); }

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "godwit.LogFilterFactory"; }

 private:
  const Clock& clock_;
  const std::int64_t wall_at_start_ms_;
  const std::int64_t steady_at_start_ms_;
};

}  // namespace godwit
