#include "storage/store_probe.h"

#include <rocksdb/cache.h>

#include <cstdarg>
#include <cstdio>

#include "base/thread.h"
#include "storage/columns.h"

namespace godwit {
namespace {

void be_nice() {
  thread_local bool done = false;
  if (done) return;
  done = true;
  begin_bulk_thread();
}

}  // namespace

void StoreLog::Logv(const char* format, va_list arguments) {
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  log_limited(limiter_, LogLevel::error, "rocksdb", {{"text", std::string_view(text)}});
}

void StoreListener::OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) {
  be_nice();
}

void StoreListener::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) {
  stopped_ = true;
  log_error("store_background_error", {{"error", status->ToString()}});
}

StoreProbe::StoreProbe(Metrics& metrics)
    : rows_(metrics.counter("godwit_store_checkpoint_rows_total", "Rows written by checkpoints.")),
      bytes_(metrics.counter("godwit_store_checkpoint_bytes_total",
                             "Bytes of the files that checkpoints wrote.")),
      failed_(
          metrics.counter("godwit_store_checkpoint_failures_total", "Checkpoints that the disk refused.")),
      held_back_(metrics.counter("godwit_store_checkpoint_held_back_total",
                                 "Checkpoints that waited because compaction had fallen behind.")),
      seconds_(metrics.histogram("godwit_store_checkpoint_seconds", "Time to write a checkpoint.",
                                 kLatencyBuckets)) {
  std::vector<Gauges> gauges;
  for (std::size_t i = 0; i < kColumns; ++i) {
    const Metrics::Labels labels = {{"column", column_name(static_cast<Column>(i))}};
    gauges.push_back(
        {metrics.gauge("godwit_store_live_bytes", "Size of the files in use.", labels),
         metrics.gauge("godwit_store_level0_files", "Checkpoint files that wait for compaction.", labels),
         metrics.gauge("godwit_store_compaction_pending_bytes", "Bytes that compaction has yet to rewrite.",
                       labels)});
  }
  Gauge& cache_bytes = metrics.gauge("godwit_store_block_cache_bytes", "Memory that the block cache uses.");
  metrics.add_collector([source = source_, gauges = std::move(gauges), &cache_bytes] {
    collect(*source, gauges, cache_bytes);
  });
}

void StoreProbe::opened(rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> columns,
                        std::shared_ptr<rocksdb::Cache> block_cache) {
  std::lock_guard lock(source_->mutex);
  source_->db = db;
  source_->columns = std::move(columns);
  source_->block_cache = std::move(block_cache);
}

void StoreProbe::closing() {
  std::lock_guard lock(source_->mutex);
  source_->db = nullptr;
  source_->columns.clear();
  source_->block_cache.reset();
}

void StoreProbe::checkpoint_done(std::uint64_t rows, std::uint64_t bytes, double seconds) {
  rows_.Increment(static_cast<double>(rows));
  bytes_.Increment(static_cast<double>(bytes));
  seconds_.Observe(seconds);
}

void StoreProbe::collect(Source& source, const std::vector<Gauges>& gauges, Gauge& cache_bytes) {
  std::lock_guard lock(source.mutex);
  if (source.db == nullptr) return;
  for (std::size_t i = 0; i < source.columns.size(); ++i) {
    const auto set = [&](Gauge& gauge, const std::string& property) {
      std::uint64_t value = 0;
      if (source.db->GetIntProperty(source.columns[i], property, &value))
        gauge.Set(static_cast<double>(value));
    };
    set(gauges[i].live_bytes, rocksdb::DB::Properties::kLiveSstFilesSize);
    set(gauges[i].pending_bytes, rocksdb::DB::Properties::kEstimatePendingCompactionBytes);
    std::string files;
    if (source.db->GetProperty(source.columns[i], rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0",
                               &files)) {
      gauges[i].level0_files.Set(std::stod(files));
    }
  }
  cache_bytes.Set(static_cast<double>(source.block_cache->GetUsage()));
}

}  // namespace godwit
