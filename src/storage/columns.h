// The catalogue of column families: what each holds, how it is used, and why it is tuned as it is.
// Private to the storage folder: it needs RocksDB's headers.
#pragma once

#include <rocksdb/options.h>

#include <memory>
#include <string>

#include "storage/store.h"

namespace godwit {

// The name on disk; part of the storage format.
const char* column_name(Column column);

// What the column families share.
struct ColumnContext {
  std::shared_ptr<rocksdb::Cache> block_cache;
  // For `inbox`.
  std::shared_ptr<rocksdb::CompactionFilterFactory> inbox_filter;
  std::int64_t inbox_retention_ms = 0;
  // For `chat_log`.
  std::shared_ptr<rocksdb::CompactionFilterFactory> log_filter;
  // For `status`, and for `status_feed` and `status_view`.
  std::shared_ptr<rocksdb::CompactionFilterFactory> status_filter;
  std::shared_ptr<rocksdb::CompactionFilterFactory> status_reference_filter;
};

rocksdb::ColumnFamilyOptions column_options(Column column, const ColumnContext& context);
rocksdb::DBOptions database_options(std::shared_ptr<rocksdb::EventListener> listener);

// Keys of one column that agree in so many bytes are read together (one inbox, one chat's log); 0 for columns
// that are read by whole keys only. Every key of such a column is at least that long.
std::size_t scan_prefix_bytes(Column column);

}  // namespace godwit
