// The store's metrics, and what RocksDB tells of itself.
// Private to the storage folder: it needs RocksDB's headers.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "storage/store.h"

namespace godwit {

// RocksDB's errors, among our own. It has no log file: RocksDB ends the process when it cannot write to one
// twice, as on a full disk.
class StoreLog final : public rocksdb::Logger {
 public:
  StoreLog() : Logger(rocksdb::InfoLogLevel::ERROR_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;

 private:
  LogLimiter limiter_;
};

// Hears from RocksDB's background threads.
class StoreListener final : public rocksdb::EventListener {
 public:
  // Compaction yields to the workers: the thread that runs it is made nicer.
  void OnCompactionBegin(rocksdb::DB* db, const rocksdb::CompactionJobInfo& info) override;
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;

  // True once after RocksDB has stopped writing for an error: Resume() makes it try again.
  bool take_stopped() { return stopped_.exchange(false); }

 private:
  std::atomic<bool> stopped_{false};
};

// Lives as long as the Metrics, which may render after the store is closed: hence the shared part.
class StoreProbe {
 public:
  explicit StoreProbe(Metrics& metrics);

  void opened(rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> columns,
              std::shared_ptr<rocksdb::Cache> block_cache);
  // No render looks at the database any more.
  void closing();

  void checkpoint_done(std::uint64_t rows, std::uint64_t bytes, double seconds);
  void checkpoint_failed() { failed_.Increment(); }
  void checkpoint_held_back() { held_back_.Increment(); }

 private:
  struct Gauges {
    Gauge& live_bytes;
    Gauge& level0_files;
    Gauge& pending_bytes;
  };
  // What is open, guarded by the mutex.
  struct Source {
    std::mutex mutex;
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> columns;
    std::shared_ptr<rocksdb::Cache> block_cache;
  };
  static void collect(Source& source, const std::vector<Gauges>& gauges, Gauge& cache_bytes);

  Counter& rows_;
  Counter& bytes_;
  Counter& failed_;
  Counter& held_back_;
  Histogram& seconds_;
  std::shared_ptr<Source> source_ = std::make_shared<Source>();
};

}  // namespace godwit
