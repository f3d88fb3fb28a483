#include "storage/bulk_load.h"

#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace godwit {
namespace {

// A row by its position, with the first 32 bytes of its key at hand as big-endian numbers. All keys but long
// handles fit in: sorting then looks at no row at all.
struct Position {
  std::array<std::uint64_t, 4> head;
  std::uint32_t index;
};

Position position_of(std::string_view key, std::uint32_t index) {
  Position p{{}, index};
  std::memcpy(p.head.data(), key.data(), std::min(key.size(), sizeof p.head));
  for (std::uint64_t& word : p.head) word = __builtin_bswap64(word);
  return p;
}

// Ascending by key, then by order of arrival.
std::vector<Position> sorted(const std::vector<Row>& rows) {
  std::vector<Position> order;
  order.reserve(rows.size());
  for (const Row& row : rows) order.push_back(position_of(row.key, static_cast<std::uint32_t>(order.size())));
  std::sort(order.begin(), order.end(), [&rows](const Position& a, const Position& b) {
    if (a.head != b.head) return a.head < b.head;
    const int rest = rows[a.index].key.compare(rows[b.index].key);
    return rest != 0 ? rest < 0 : a.index < b.index;
  });
  return order;
}

bool same_key(const std::vector<Row>& rows, const Position& a, const Position& b) {
  return a.head == b.head && rows[a.index].key == rows[b.index].key;
}

}  // namespace

BulkLoad::BulkLoad(rocksdb::DB& db, std::string directory) : db_(db), directory_(std::move(directory)) {}

BulkLoad::~BulkLoad() {
  std::error_code ignored;
  for (const std::string& file : files_) std::filesystem::remove(file, ignored);
}

rocksdb::Status BulkLoad::add(rocksdb::ColumnFamilyHandle* column, const std::vector<Row>& rows) {
  const std::vector<Position> order = sorted(rows);
  const std::string path = directory_ + "/" + column->GetName() + ".sst";
  files_.push_back(path);
  // The file is about to be read by compaction: its pages may stay in the cache.
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), db_.GetOptions(column), column,
                                /*invalidate_page_cache=*/false);
  rocksdb::Status status = writer.Open(path);
  for (std::size_t i = 0; i < order.size() && status.ok(); ++i) {
    if (i + 1 < order.size() && same_key(rows, order[i], order[i + 1])) continue;
    const Row& row = rows[order[i].index];
    status = row.erased ? writer.Delete(row.key) : writer.Put(row.key, row.value);
    ++rows_;
  }
  rocksdb::ExternalSstFileInfo info;
  if (status.ok()) status = writer.Finish(&info);
  if (!status.ok()) return status;
  file_bytes_ += info.file_size;

  rocksdb::IngestExternalFileArg argument;
  argument.column_family = column;
  argument.external_files = {path};
  argument.options.move_files = true;
  // The position among other files goes into the manifest alone: no second write to the file.
  argument.options.write_global_seqno = false;
  // Nobody takes snapshots, and the memtables are empty.
  argument.options.snapshot_consistency = false;
  argument.options.allow_blocking_flush = false;
  argument.options.verify_file_checksum = false;
  arguments_.push_back(std::move(argument));
  return status;
}

rocksdb::Status BulkLoad::ingest() {
  return db_.IngestExternalFiles(arguments_);
}

}  // namespace godwit
