// Trimming of inboxes: compaction leaves out what every device has acknowledged and what is too old.
// Private to the storage folder: it needs RocksDB's headers.
#pragma once

#include <rocksdb/compaction_filter.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "godwit/clock.h"

namespace rocksdb {
class DB;
class ColumnFamilyHandle;
}  // namespace rocksdb

namespace godwit {

// `time_ms` of an encoded InboxRun, without decoding the rest; 0 when it holds none or is malformed.
std::int64_t inbox_run_time_ms(std::string_view encoded);

// Entries up to here serve nobody, given an encoded InboxRow: the smallest cursor (everything when there is
// no device or the inbox is closed) or the floor. 0 when the row is malformed.
std::uint64_t inbox_dead_upto(std::string_view encoded_row);

// Makes one filter per compaction. Until armed, and again once disarmed, its filters keep everything: the
// column family they read is not open yet, or about to close. Thread safe.
//
// Trimmed entries leave no tombstones. Readers begin at cursor + 1, so they never step over dead rows, and it
// does no harm that an entry dropped from one file is still found in none or another.
class InboxFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  // Entries accepted more than `retention_ms` ago are dropped. A jump of the wall clock while the process
  // runs does not count: it must not empty every inbox.
  InboxFilterFactory(const Clock& clock, std::int64_t retention_ms);

  // Both must outlive the compactions that run before disarm().
  void arm(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* inbox_meta);
  // Compactions under way may still read: stop them before the column family is closed.
  void disarm() { armed_.store(false, std::memory_order_release); }

  // The last InboxRow of the user whose key is `user_key`: entries up to the returned position are dead.
  std::uint64_t dead_upto(std::string_view user_key) const;
  std::int64_t expired_before_ms() const;

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "godwit.InboxFilterFactory"; }

 private:
  const Clock& clock_;
  const std::int64_t retention_ms_;
  const std::int64_t wall_at_start_ms_;
  const std::int64_t steady_at_start_ms_;
  std::atomic<bool> armed_{false};
  rocksdb::DB* db_ = nullptr;  // set before armed_
  rocksdb::ColumnFamilyHandle* inbox_meta_ = nullptr;
};

}  // namespace godwit
