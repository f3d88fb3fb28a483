#include "storage/store.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "storage/bulk_load.h"
#include "storage/columns.h"
#include "storage/expiry_filter.h"
#include "storage/inbox_filter.h"
#include "storage/log_filter.h"
#include "storage/keys.h"
#include "storage/migrations.h"
#include "storage/store_probe.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;

// Keys of Column::meta; values are decimal numbers.
constexpr const char* kFormatKey = "format";
constexpr const char* kPartitionsKey = "partitions";
constexpr const char* kAppliedKey = "applied";
// In hexadecimal digits, in place of a number.
constexpr const char* kDiscoveryKey = "discovery_key";
constexpr std::size_t kDiscoveryKeyBytes = 32;

// Where checkpoints write the files that RocksDB takes over.
constexpr const char* kIncoming = "/incoming";

// Files of one column that wait for compaction. A read asks the filter of each, so this many still read well.
// Beyond it, checkpoints come at most once a second: fewer and larger files, which compaction merges sooner.
constexpr std::uint64_t kMaxLevel0Files = 128;
constexpr std::chrono::milliseconds kCatchUpStep{20};
constexpr std::chrono::milliseconds kCatchUpLimit{1000};

[[noreturn]] void refuse(const std::string& directory, const std::string& why) {
  throw std::runtime_error("cannot open the data directory " + directory + ": " + why);
}

[[noreturn]] void refuse(const std::string& directory, const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (status.IsIOError() && text.find("lock ") != std::string::npos) {
    refuse(directory, "it is in use by another process");
  }
  if (text.find("Permission denied") != std::string::npos || text.find("Read-only") != std::string::npos) {
    refuse(directory, "it is not writable (" + text + ")");
  }
  if (status.IsCorruption() || text.find("No such file") != std::string::npos) {
    refuse(directory, "it is damaged (" + text + "); restore a backup");
  }
  refuse(directory, text);
}

// A fault of the medium or of a file, while reading.
[[noreturn]] void fail_read(const rocksdb::Status& status) {
  log_error("store_read_failed", {{"error", status.ToString()}});
  throw std::runtime_error("the store cannot be read: " + status.ToString());
}

void make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    if (errno != ENOENT)
      refuse(directory, std::string("it cannot be created (") + std::strerror(errno) + ")");
    std::error_code failed;
    fs::create_directories(fs::path(directory).parent_path(), failed);
    if (failed) refuse(directory, "it cannot be created (" + failed.message() + ")");
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
      refuse(directory, std::string("it cannot be created (") + std::strerror(errno) + ")");
    }
  }
  if (!fs::is_directory(directory)) refuse(directory, "it is not a directory");
  if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    refuse(directory, std::string("it is not writable (") + std::strerror(errno) + ")");
  }
}

// RocksDB would begin anew in a directory that has lost the file it begins with.
void check_whole(const std::string& directory) {
  if (fs::exists(directory + "/CURRENT")) return;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == ".sst") {
      refuse(directory, "it is damaged (the file CURRENT is missing); restore a backup");
    }
  }
}

// A newer program may have added column families.
void check_columns_known(const std::string& directory) {
  std::vector<std::string> present;
  if (!fs::exists(directory + "/CURRENT")) return;
  const auto status = rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), directory, &present);
  if (!status.ok()) refuse(directory, status);
  for (const std::string& name : present) {
    bool known = false;
    for (std::size_t i = 0; i < kColumns; ++i) known |= name == column_name(static_cast<Column>(i));
    if (!known) refuse(directory, "it has a column family \"" + name + "\", made by a newer program");
  }
}

void clear_incoming(const std::string& directory) {
  std::error_code failed;
  fs::remove_all(directory + kIncoming, failed);
  if (!failed) fs::create_directory(directory + kIncoming, failed);
  if (failed) refuse(directory, "it is not writable (" + failed.message() + ")");
}

rocksdb::Slice slice(std::string_view s) {
  return {s.data(), s.size()};
}

}  // namespace

Store::Store(const StoreOptions& options, const Clock& clock, Metrics& metrics)
    : directory_(options.directory),
      listener_(std::make_shared<StoreListener>()),
      inbox_filter_(std::make_shared<InboxFilterFactory>(clock, options.inbox_retention_ms)),
      log_filter_(std::make_shared<LogFilterFactory>(clock)),
      status_filter_(std::make_shared<ExpiryFilterFactory>(clock, kStatusExpiresField)),
      status_reference_filter_(std::make_shared<ExpiryFilterFactory>(clock, kStatusReferenceExpiresField)),
      probe_(std::make_unique<StoreProbe>(metrics)) {
  make_directory(directory_);
  check_whole(directory_);
  check_columns_known(directory_);
  open(options);
  try {
    clear_incoming(directory_);
    load_meta(options.partitions);
  } catch (...) {
    close();
    throw;
  }
  // Only now is it certain that the filter understands the rows; compactions until here kept them all.
  inbox_filter_->arm(db_.get(), columns_[static_cast<std::size_t>(Column::inbox_meta)]);
}

Store::~Store() {
  close();
}

void Store::open(const StoreOptions& options) {
  ColumnContext context;
  context.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes, /*num_shard_bits=*/4,
                                             /*strict_capacity_limit=*/false, /*high_pri_pool_ratio=*/0.3);
  context.inbox_filter = inbox_filter_;
  context.log_filter = log_filter_;
  context.status_filter = status_filter_;
  context.status_reference_filter = status_reference_filter_;
  context.inbox_retention_ms = options.inbox_retention_ms;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (std::size_t i = 0; i < kColumns; ++i) {
    const auto column = static_cast<Column>(i);
    descriptors.emplace_back(column_name(column), column_options(column, context));
  }
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(database_options(listener_), directory_, descriptors, &columns_, &db);
  if (!status.ok()) refuse(directory_, status);
  db_.reset(db);
  probe_->opened(db, columns_, context.block_cache);
}

void Store::close() {
  if (!db_) return;
  probe_->closing();
  inbox_filter_->disarm();
  rocksdb::CancelAllBackgroundWork(db_.get(), /*wait=*/true);
  for (rocksdb::ColumnFamilyHandle* column : columns_) db_->DestroyColumnFamilyHandle(column);
  columns_.clear();
  db_.reset();
}

std::uint64_t Store::meta_number(const char* key) const {
  const auto text = get(Column::meta, key);
  std::uint64_t value = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), value).ptr != text->data() + text->size() ||
      text->empty()) {
    refuse(directory_, std::string("it is damaged (no valid row \"") + key + "\" in meta); restore a backup");
  }
  return value;
}

bool Store::holds_rows() const {
  bool any = false;
  for (std::size_t i = 0; i < kColumns && !any; ++i) {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), columns_[i]));
    it->SeekToFirst();
    any = it->Valid();
  }
  return any;
}

void Store::load_meta(unsigned partitions) {
  CheckpointRows rows;
  if (!get(Column::meta, kFormatKey) && !holds_rows()) {
    rows.put(Column::meta, kFormatKey, std::to_string(kFormatVersion));
    rows.put(Column::meta, kPartitionsKey, std::to_string(partitions));
    rows.put(Column::meta, kAppliedKey, "0");
    rows.put(Column::meta, kDiscoveryKey, hex(random_bytes(kDiscoveryKeyBytes)));
    if (!ingest(rows)) refuse(directory_, "it is not writable");
  }
  const auto found = static_cast<std::uint32_t>(meta_number(kFormatKey));
  std::vector<Migration> path;
  try {
    path = migration_path(found, kFormatVersion, migrations());
  } catch (const std::runtime_error& error) {
    refuse(directory_, error.what());
  }
  partitions_ = static_cast<unsigned>(meta_number(kPartitionsKey));
  if (partitions_ == 0) refuse(directory_, "it is damaged (no partitions); restore a backup");
  applied_ = meta_number(kAppliedKey);
  for (const Migration& step : path) {
    CheckpointRows changed;
    step.collect(*this, changed);
    changed.put(Column::meta, kFormatKey, std::to_string(step.from + 1));
    if (!ingest(changed)) refuse(directory_, "the migration to a newer storage format cannot be written");
    log_info("store_migrated", {{"format", step.from + 1}});
  }
  load_discovery_key();
}

void Store::load_discovery_key() {
  const auto digits = get(Column::meta, kDiscoveryKey);
  if (digits) {
    const auto key = from_hex(*digits);
    if (!key || key->size() != kDiscoveryKeyBytes) {
      refuse(directory_, std::string("it is damaged (no valid row \"") + kDiscoveryKey +
                             "\" in meta); restore a backup");
    }
    discovery_key_ = *key;
    return;
  }
  // The directory is of a program that had no contact discovery.
  discovery_key_ = random_bytes(kDiscoveryKeyBytes);
  CheckpointRows rows;
  rows.put(Column::meta, kDiscoveryKey, hex(discovery_key_));
  if (!ingest(rows)) refuse(directory_, "it is not writable");
}

Lsn Store::applied() const {
  return Lsn(applied_.load());
}

std::optional<std::string> Store::get(Column column, std::string_view key) const {
  std::string value;
  const auto status =
      db_->Get(rocksdb::ReadOptions(), columns_[static_cast<std::size_t>(column)], slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) fail_read(status);
  return value;
}

std::vector<std::optional<std::string>> Store::multi_get(Column column,
                                                         const std::vector<std::string>& keys) const {
  std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(rocksdb::ReadOptions(), columns_[static_cast<std::size_t>(column)], keys.size(),
                slices.data(), values.data(), statuses.data());
  std::vector<std::optional<std::string>> rows(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) {
      rows[i] = values[i].ToString();
    } else if (!statuses[i].IsNotFound()) {
      fail_read(statuses[i]);
    }
  }
  return rows;
}

void Store::scan(Column column, std::string_view first, std::string_view last, bool reverse,
                 const std::function<bool(std::string_view key, std::string_view value)>& visit) const {
  const rocksdb::Slice lower = slice(first);
  const rocksdb::Slice upper = slice(last);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  if (!last.empty()) options.iterate_upper_bound = &upper;

  // A scan within one prefix asks each file's filter first. Backward, it must begin at a key with the prefix.
  const std::size_t prefix = scan_prefix_bytes(column);
  std::string from;
  bool one_prefix = prefix != 0 && first.size() >= prefix;
  if (one_prefix && last == prefix_end(first.substr(0, prefix))) {
    from.assign(first.substr(0, prefix)).append(16, '\xff');
  } else if (one_prefix && last.size() >= prefix && last.substr(0, prefix) == first.substr(0, prefix)) {
    from = last;
  } else {
    one_prefix = false;
    from = last;
  }
  options.total_order_seek = !one_prefix;
  options.prefix_same_as_start = one_prefix;

  std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(options, columns_[static_cast<std::size_t>(column)]));
  if (!reverse) {
    for (it->Seek(lower); it->Valid(); it->Next()) {
      if (!visit(it->key().ToStringView(), it->value().ToStringView())) return;
    }
  } else {
    if (from.empty()) {
      it->SeekToLast();
    } else {
      it->SeekForPrev(from);
    }
    for (; it->Valid(); it->Prev()) {
      if (!visit(it->key().ToStringView(), it->value().ToStringView())) return;
    }
  }
  if (!it->status().ok()) fail_read(it->status());
}

bool Store::commit(CheckpointRows rows, Lsn applied) {
  std::lock_guard lock(commit_mutex_);
  if (resume_needed_ || listener_->take_stopped()) {
    const auto status = db_->Resume();
    if (!status.ok()) log_warning("store_resume_failed", {{"error", status.ToString()}});
  }
  let_compaction_catch_up();
  rows.put(Column::meta, kAppliedKey, std::to_string(applied.value));
  resume_needed_ = !ingest(rows);
  if (resume_needed_) {
    probe_->checkpoint_failed();
    return false;
  }
  applied_ = applied.value;
  return true;
}

void Store::let_compaction_catch_up() {
  const auto behind = [this] {
    std::string files;
    for (rocksdb::ColumnFamilyHandle* column : columns_) {
      if (db_->GetProperty(column, rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &files) &&
          std::stoull(files) >= kMaxLevel0Files) {
        return true;
      }
    }
    return false;
  };
  if (!behind()) return;
  probe_->checkpoint_held_back();
  for (auto waited = kCatchUpStep; waited < kCatchUpLimit && behind(); waited += kCatchUpStep) {
    std::this_thread::sleep_for(kCatchUpStep);
  }
}

bool Store::ingest(const CheckpointRows& rows) {
  const auto begin = std::chrono::steady_clock::now();
  BulkLoad load(*db_, directory_ + kIncoming);
  rocksdb::Status status;
  for (std::size_t i = 0; i < kColumns && status.ok(); ++i) {
    if (!rows.rows_[i].empty()) status = load.add(columns_[i], rows.rows_[i]);
  }
  if (status.ok()) status = load.ingest();
  if (!status.ok()) {
    log_error("store_checkpoint_failed", {{"error", status.ToString()}});
    return false;
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  probe_->checkpoint_done(load.rows(), load.file_bytes(), taken.count());
  return true;
}

std::optional<std::string> Store::compact(std::atomic<bool>& cancelled) {
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.exclusive_manual_compaction = false;
  options.canceled = &cancelled;
  for (const Column column :
       {Column::chat_log, Column::inbox, Column::status, Column::status_feed, Column::status_view}) {
    const auto status = db_->CompactRange(options, columns_[static_cast<std::size_t>(column)], nullptr, nullptr);
    if (!status.ok()) return status.ToString();
  }
  return std::nullopt;
}

std::optional<std::string> Store::backup(const std::string& directory) const {
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // The memtables are empty: nothing is to be flushed first.
  constexpr std::uint64_t kNeverFlush = std::numeric_limits<std::uint64_t>::max();
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory, kNeverFlush);
  if (!status.ok()) return status.ToString();
  if (::chmod(directory.c_str(), 0700) != 0) return std::string(std::strerror(errno));
  return std::nullopt;
}

}  // namespace godwit
