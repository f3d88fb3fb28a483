// Rows that live for a time: compaction drops them once it is over.
// Private to the storage folder: it needs RocksDB's headers.
#pragma once

#include <rocksdb/compaction_filter.h>

#include <cstdint>
#include <memory>

#include "godwit/clock.h"

namespace godwit {

// Where the rows of column status, and those of status_feed and status_view, say when they expire.
extern const int kStatusExpiresField;
extern const int kStatusReferenceExpiresField;

// Makes one filter per compaction. A row whose varint field `field`, milliseconds since the Unix epoch, is past is
// dropped; one that has none is kept. Readers look at the time themselves: this only gives the space back. Thread
// safe.
class ExpiryFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  // A jump of the wall clock while the process runs does not count (see InboxFilterFactory).
  ExpiryFilterFactory(const Clock& clock, int field)
      : clock_(clock), field_(field), wall_at_start_ms_(clock.wall_ms()), steady_at_start_ms_(clock.steady_ms()) {}

  std::int64_t now_ms() const { return wall_at_start_ms_ + (clock_.steady_ms() - steady_at_start_ms_); }

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "godwit.ExpiryFilterFactory"; }

 private:
  const Clock& clock_;
  const int field_;
  const std::int64_t wall_at_start_ms_;
  const std::int64_t steady_at_start_ms_;
};

}  // namespace godwit
