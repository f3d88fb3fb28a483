// Writes sorted rows into files and hands them to RocksDB in one atomic step, past its log and memtables.
// Private to the storage folder: it needs RocksDB's headers.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <string>
#include <vector>

#include "storage/store.h"

namespace godwit {

// Life cycle: add() once per column, ingest() once, destroy (deletes the files that were not ingested).
class BulkLoad {
 public:
  // `directory` is on the file system of the database and holds nothing else. One load at a time uses it.
  BulkLoad(rocksdb::DB& db, std::string directory);
  ~BulkLoad();
  BulkLoad(const BulkLoad&) = delete;
  BulkLoad& operator=(const BulkLoad&) = delete;

  // Writes the rows, at least one, into a file and syncs it. Of rows with one key the last counts.
  rocksdb::Status add(rocksdb::ColumnFamilyHandle* column, const std::vector<Row>& rows);
  // Makes all files part of the database, durably, or none.
  rocksdb::Status ingest();

  std::uint64_t rows() const { return rows_; }
  std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  rocksdb::DB& db_;
  const std::string directory_;
  std::vector<std::string> files_;
  std::vector<rocksdb::IngestExternalFileArg> arguments_;
  std::uint64_t rows_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace godwit
