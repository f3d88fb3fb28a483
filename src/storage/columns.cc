#include "storage/columns.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/universal_compaction.h>

#include <algorithm>

#include "storage/store_probe.h"

namespace godwit {
namespace {

constexpr std::size_t kPartitionBytes = 2;
constexpr std::size_t kUserPrefix = kPartitionBytes + 8;
constexpr std::size_t kChatPrefix = kPartitionBytes + 16;
constexpr std::size_t kStatusPrefix = kUserPrefix + 16;
constexpr std::size_t kKeyLogPrefix = kPartitionBytes + 1 + 8;

// A row of this many bytes or fewer is read alone, so a block should hold few others.
constexpr std::size_t kPointBlock = 4 << 10;
// A page of 50 entries of 300 bytes is 15 KB: one block, sometimes two.
constexpr std::size_t kScanBlock = 16 << 10;

struct Workload {
  const char* name;
  // Bytes of the key that a scan holds fixed; 0 for rows that are read by whole keys only.
  std::size_t scan_prefix;
  // Whether rows are also looked up by whole key.
  bool point_reads;
  std::size_t block_bytes;
};

// In order of Column.
constexpr Workload kCatalogue[kColumns] = {
    // Three rows of the store itself. RocksDB insists on a column family of this name.
    {"default", 0, true, kPointBlock},
    // Accounts. One point read when a user is first touched, absent ones included (unknown user ids), so the
    // bloom filter matters most there. Seldom rewritten.
    {"user", 0, true, kPointBlock},
    // Handles. Point reads; the absent ones are the usual case at registration.
    {"handle", 0, true, kPointBlock},
    // Invites. Few rows, point reads; guessed codes are absent ones.
    {"invite", 0, true, kPointBlock},
    // Cursors and ends of inboxes. Point reads by multi_get, and by the compaction of `inbox` in key order.
    // The row of every user who was active is rewritten by each checkpoint.
    {"inbox_meta", 0, true, kPointBlock},
    // Inbox entries. Written once, read forward from a cursor, never by whole key, dropped by the compaction
    // filter. An inbox lies in as many files as it grew in, so the filter holds user prefixes: a page touches
    // the files that have something of that user, and no others.
    {"inbox", kUserPrefix, false, kScanBlock},
    // Positions per (user, chat). Read by whole key for one chat and scanned per user when a device returns.
    {"mark", kUserPrefix, true, kPointBlock},
    // Chats. Point reads; those of active chats are rewritten by each checkpoint.
    {"chat", 0, true, kPointBlock},
    // Messages. Written once, read backward by pages of history and by the newest few when a chat is first
    // touched; never by whole key. The filter holds chat prefixes, as for `inbox`.
    {"chat_log", kChatPrefix, false, kScanBlock},
    // Members of groups, present and past. Scanned per group when it is first touched, never read singly.
    // Those whose positions moved are rewritten by each checkpoint.
    {"member", kChatPrefix, false, kScanBlock},
    // Contacts per (user, contact). Scanned per user when an account is first touched, notes read by whole key.
    // A change writes or erases its own row, however many contacts the user has.
    {"contact", kUserPrefix, true, kPointBlock},
    // Accounts by the keyed hash of their handle. Point reads; most hashes of an address book are absent.
    {"contact_hash", 0, true, kPointBlock},
    // What users have to do with statuses. One point read when a user first meets one. Rewritten by the checkpoint
    // after each status that the user posts, gets, sees or mutes.
    {"status_user", 0, true, kPointBlock},
    // References to statuses in the feeds of viewers. Scanned per viewer when the feed is first touched, never read
    // singly. Written when posted, again when seen; they live for a day and go by the compaction filter.
    {"status_feed", kUserPrefix, false, kScanBlock},
    // Contents of statuses, up to a page of them large. Read by whole key each time that one is opened.
    {"status", 0, true, kScanBlock},
    // Who has seen a status. Scanned per status, page by page, by its author alone.
    {"status_view", kStatusPrefix, false, kPointBlock},
    // The key log. All hashes are scanned at the start; entries are read by position, forward or singly, and the
    // positions of one user's by prefix. The filter holds prefixes, which for a hash or an entry is the whole key. But
    // for the last row of hashes, nothing is ever rewritten.
    {"key_log", kKeyLogPrefix, false, kPointBlock},
    // What users have published of keys: identities, and which one-time keys are left. One point read when a user first
    // publishes or is claimed. Rewritten by the checkpoint after each of both.
    {"keys", 0, true, kPointBlock},
    // One-time keys. Written once, read by whole key once, when it is given out, and erased.
    {"key_stock", 0, true, kPointBlock},
    // GroupInfo and ratchet tree of each chat's epoch, up to two megabytes. Read by whole key when a device joins by
    // itself, rewritten by the checkpoint after each commit.
    {"group_info", 0, true, kScanBlock},
};

const Workload& workload(Column column) {
  return kCatalogue[static_cast<std::size_t>(column)];
}

rocksdb::BlockBasedTableOptions table_options(const Workload& load, const ColumnContext& context) {
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.block_size = load.block_bytes;
  // One cache for all, so that memory goes where the reads are. Index and filter blocks live in it too: what
  // the store keeps in memory is bounded by this one figure, whatever the number of files.
  table.block_cache = context.block_cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // 10 bits a key: 1 in 100 reads of an absent key touches a block in vain.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = load.point_reads;
  table.optimize_filters_for_memory = true;
  return table;
}

// Checkpoints arrive as one sorted file per column, and each spans all partitions: ids are hashed. Levelled
// compaction would rewrite the whole of level 1 for every few of them, and every level below ten times over.
// Universal compaction merges runs of like size, so a row is rewritten about log(data / checkpoint) times.
// It costs more runs to look into, which the filters skip, and up to twice the space while all is merged.
void set_compaction(rocksdb::ColumnFamilyOptions& options) {
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.num_levels = 7;
  options.level0_file_num_compaction_trigger = 8;
  // Runs that differ by up to a quarter count as alike: checkpoints under changing load do.
  options.compaction_options_universal.size_ratio = 25;
  options.compaction_options_universal.min_merge_width = 4;
  // Ingested files are never held back, these limits only say when a second compaction may run beside the
  // first (at 8 + (48 - 8) / 4 = 16 files). What bounds the files is Store::commit.
  options.level0_slowdown_writes_trigger = 48;
  options.level0_stop_writes_trigger = 1 << 20;
  options.soft_pending_compaction_bytes_limit = 0;
  options.hard_pending_compaction_bytes_limit = 0;
  options.target_file_size_base = 64 << 20;
}

}  // namespace

const char* column_name(Column column) {
  return workload(column).name;
}

std::size_t scan_prefix_bytes(Column column) {
  return workload(column).scan_prefix;
}

rocksdb::ColumnFamilyOptions column_options(Column column, const ColumnContext& context) {
  const Workload& load = workload(column);
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(load, context)));
  if (load.scan_prefix != 0)
    options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(load.scan_prefix));
  set_compaction(options);
  // Payloads are ciphertext, which does not shrink; the other rows are ids, keys and counters, which hardly
  // do.
  options.compression = rocksdb::kNoCompression;
  // Nothing is ever put: all rows come by ingested files. The memtables stay empty and as small as can be.
  options.write_buffer_size = 64 << 10;
  options.max_write_buffer_number = 2;
  if (column == Column::inbox) {
    // Files at rest are rewritten now and then, so that what expired or was acknowledged gives its space
    // back in an inbox store that does not grow any more.
    constexpr std::int64_t kHour = 3600;
    options.compaction_filter_factory = context.inbox_filter;
    options.periodic_compaction_seconds = static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(context.inbox_retention_ms / 1000 / 4, kHour, 7 * 24 * kHour));
  } else if (column == Column::chat_log) {
    // So that expired content goes from files at rest, too.
    constexpr std::uint64_t kDay = 24 * 3600;
    options.compaction_filter_factory = context.log_filter;
    options.periodic_compaction_seconds = kDay;
  } else if (column == Column::status || column == Column::status_feed || column == Column::status_view) {
    // Everything here expires within a day or so, and little is there: rewriting it often is cheap.
    constexpr std::uint64_t kSixHours = 6 * 3600;
    options.compaction_filter_factory =
        column == Column::status ? context.status_filter : context.status_reference_filter;
    options.periodic_compaction_seconds = kSixHours;
  } else {
    options.periodic_compaction_seconds = 0;
  }
  return options;
}

rocksdb::DBOptions database_options(std::shared_ptr<rocksdb::EventListener> listener) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // Descriptors belong to connections first. A file holds up to 64 MiB, and one that is not open costs a few
  // reads; opening the store opens some files only, which keeps the start quick.
  options.max_open_files = 1000;
  // One compaction of young files, and one of old ones beside it, which would otherwise hold up the young for
  // minutes. Their threads run at low priority (see StoreListener), and write no faster than this.
  options.max_background_jobs = 4;
  rocksdb::Env* env = rocksdb::Env::Default();
  env->SetBackgroundThreads(1, rocksdb::Env::Priority::LOW);
  env->SetBackgroundThreads(1, rocksdb::Env::Priority::BOTTOM);
  env->SetBackgroundThreads(1, rocksdb::Env::Priority::HIGH);
  options.env = env;
  options.rate_limiter.reset(rocksdb::NewGenericRateLimiter(256 << 20, 10'000));
  // Dirty pages are handed to the disk as they come, so that the journal's fdatasync never queues behind
  // hundreds of megabytes.
  options.bytes_per_sync = 1 << 20;
  options.compaction_readahead_size = 1 << 20;
  // Readers leave the deletion of old files to the background.
  options.avoid_unnecessary_blocking_io = true;
  options.max_manifest_file_size = 16 << 20;
  options.info_log = std::make_shared<StoreLog>();
  // Files that SstFileWriter made have none.
  options.verify_sst_unique_id_in_manifest = false;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.listeners.push_back(std::move(listener));
  return options;
}

}  // namespace godwit
