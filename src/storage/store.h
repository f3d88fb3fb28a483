// The materialised state: RocksDB, written only by checkpoints, read only off the workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "godwit/clock.h"
#include "godwit/ids.h"

namespace rocksdb {
class DB;
class ColumnFamilyHandle;
}  // namespace rocksdb

namespace godwit {

class InboxFilterFactory;
class ExpiryFilterFactory;
class LogFilterFactory;
class StoreListener;
class StoreProbe;

// The column families; columns.cc has the workload and the reason beside each one's options.
enum class Column : std::uint8_t {
  meta, user, handle, invite, inbox_meta, inbox, mark, chat, chat_log, member, contact, contact_hash,
  status_user, status_feed, status, status_view, key_log, keys, key_stock, group_info
};
inline constexpr std::size_t kColumns = 20;

struct StoreOptions {
  std::string directory;      // created when missing, mode 0700
  unsigned partitions = 256;  // used at creation; later the stored value counts
  std::uint64_t block_cache_bytes = 256ULL << 20;
  std::int64_t inbox_retention_ms = 30LL * 24 * 3600 * 1000;
};

struct Row {
  std::string key;
  std::string value;
  bool erased = false;
};

// Rows to write or erase in one atomic step. Not thread safe; add in any order, the last for a key wins.
class CheckpointRows {
 public:
  void put(Column column, std::string key, std::string value);
  void erase(Column column, std::string key);
  std::size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }
  void merge(CheckpointRows&& other);

 private:
  friend class Store;
  std::vector<Row> rows_[kColumns];
  std::size_t bytes_ = 0;
};

// Opening throws std::runtime_error with a sentence for the operator: directory not writable, locked by
// another process, made by a newer format, damaged. All other calls are thread safe and may block on disk.
// `clock` and `metrics` must outlive the store.
//
// Reads throw std::runtime_error when the medium fails or a block is damaged. Nobody should catch that: a row
// that cannot be read must not pass for one that does not exist, or the next checkpoint would overwrite it.
class Store {
 public:
  Store(const StoreOptions& options, const Clock& clock, Metrics& metrics);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  unsigned partitions() const { return partitions_; }
  // Every journal record up to here is contained.
  Lsn applied() const;
  // 32 random bytes, made with the directory: the key of the hashes in column contact_hash. Clients are told.
  const std::string& discovery_key() const { return discovery_key_; }

  std::optional<std::string> get(Column column, std::string_view key) const;
  // In the order of `keys`.
  std::vector<std::optional<std::string>> multi_get(Column column,
                                                    const std::vector<std::string>& keys) const;
  // Visits rows with first <= key < last in ascending order (descending with `reverse`) until `visit`
  // returns false. Views are valid during the call.
  void scan(Column column, std::string_view first, std::string_view last, bool reverse,
            const std::function<bool(std::string_view key, std::string_view value)>& visit) const;

  // Makes the rows and `applied` durable, all or nothing: sorted bulk files, ingested at once. Returns false
  // when the disk refuses; nothing has changed then and it may be tried again.
  bool commit(CheckpointRows rows, Lsn applied);

  // Rewrites what the columns of messages and statuses hold, so that what was removed or has expired is gone from the disk
  // when it returns. Takes as long as it takes, or until `cancelled`. Returns the reason on failure.
  std::optional<std::string> compact(std::atomic<bool>& cancelled);

  // A consistent copy, by hard links where possible, into a directory that must not exist. Returns the
  // reason on failure.
  std::optional<std::string> backup(const std::string& directory) const;

 private:
  void open(const StoreOptions& options);
  void close();
  // Reads the rows of the store itself; writes them when it is new; migrates when it is older.
  void load_meta(unsigned partitions);
  std::uint64_t meta_number(const char* key) const;
  bool holds_rows() const;
  void load_discovery_key();
  // Waits, within bounds, while compaction is too far behind.
  void let_compaction_catch_up();
  bool ingest(const CheckpointRows& rows);

  // Constant after construction.
  const std::string directory_;
  unsigned partitions_ = 0;
  std::string discovery_key_;
  std::shared_ptr<StoreListener> listener_;
  std::shared_ptr<InboxFilterFactory> inbox_filter_;
  std::shared_ptr<LogFilterFactory> log_filter_;
  std::shared_ptr<ExpiryFilterFactory> status_filter_;  // column status
  std::shared_ptr<ExpiryFilterFactory> status_reference_filter_;  // columns status_feed and status_view
  std::unique_ptr<StoreProbe> probe_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> columns_;

  std::atomic<std::uint64_t> applied_{0};
  std::mutex commit_mutex_;     // one checkpoint at a time
  bool resume_needed_ = false;  // guarded by commit_mutex_: the last attempt failed
};

}  // namespace godwit
