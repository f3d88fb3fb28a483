#include "storage/inbox_filter.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <limits>
#include <string>

#include "storage/encoded_field.h"
#include "storage/keys.h"
#include "store.pb.h"

namespace godwit {
namespace {

constexpr std::size_t kUserKeyBytes = 10;
constexpr std::size_t kInboxKeyBytes = 18;
constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();

// One compaction's walk over inboxes in key order: each user's row is read once.
class InboxFilter final : public rocksdb::CompactionFilter {
 public:
  explicit InboxFilter(const InboxFilterFactory& factory)
      : factory_(factory), expired_before_ms_(factory.expired_before_ms()) {}

  Decision FilterV2(int, const rocksdb::Slice& key, ValueType type, const rocksdb::Slice& value, std::string*,
                    std::string* skip_until) const override {
    if (type != ValueType::kValue || key.size() != kInboxKeyBytes) return Decision::kKeep;
    const std::string_view user(key.data(), kUserKeyBytes);
    if (user != user_) {
      user_ = user;
      dead_upto_ = factory_.dead_upto(user);
    }
    const std::uint64_t seq = seq_of_key(key.ToStringView());
    if (seq <= dead_upto_) return drop_upto(dead_upto_, skip_until);
    if (expired_before_ms_ > 0) {
      const std::int64_t time_ms = inbox_run_time_ms(value.ToStringView());
      if (time_ms != 0 && time_ms < expired_before_ms_) return drop_upto(seq, skip_until);
    }
    return Decision::kKeep;
  }

  const char* Name() const override { return "godwit.InboxFilter"; }

 private:
  // Skipping, unlike removing, writes no tombstone, and passes over the whole dead range at once.
  Decision drop_upto(std::uint64_t seq, std::string* skip_until) const {
    *skip_until = user_;
    if (seq == kEverything) {
      *skip_until = prefix_end(user_);
      if (skip_until->empty()) return Decision::kRemove;
    } else {
      const std::uint64_t next = __builtin_bswap64(seq + 1);
      skip_until->append(reinterpret_cast<const char*>(&next), sizeof next);
    }
    return Decision::kRemoveAndSkipUntil;
  }

  const InboxFilterFactory& factory_;
  const std::int64_t expired_before_ms_;
  // RocksDB calls a const function, from one thread.
  mutable std::string user_;
  mutable std::uint64_t dead_upto_ = 0;
};

}  // namespace

std::int64_t inbox_run_time_ms(std::string_view encoded) {
  return static_cast<std::int64_t>(encoded_varint_field(encoded, store::InboxRun::kTimeMsFieldNumber));
}

std::uint64_t inbox_dead_upto(std::string_view encoded_row) {
  store::InboxRow row;
  if (!row.ParseFromArray(encoded_row.data(), static_cast<int>(encoded_row.size()))) return 0;
  if (row.closed() || row.cursors().empty()) return kEverything;
  std::uint64_t cursor = kEverything;
  for (const auto& device : row.cursors()) cursor = std::min<std::uint64_t>(cursor, device.cursor());
  return std::max<std::uint64_t>(cursor, row.floor());
}

InboxFilterFactory::InboxFilterFactory(const Clock& clock, std::int64_t retention_ms)
    : clock_(clock),
      retention_ms_(retention_ms),
      wall_at_start_ms_(clock.wall_ms()),
      steady_at_start_ms_(clock.steady_ms()) {}

void InboxFilterFactory::arm(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* inbox_meta) {
  db_ = db;
  inbox_meta_ = inbox_meta;
  armed_.store(true, std::memory_order_release);
}

std::uint64_t InboxFilterFactory::dead_upto(std::string_view user_key) const {
  if (!armed_.load(std::memory_order_acquire)) return 0;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  rocksdb::PinnableSlice row;
  const auto status = db_->Get(options, inbox_meta_, {user_key.data(), user_key.size()}, &row);
  // Without a row, nothing is known of the user's devices: keep.
  return status.ok() ? inbox_dead_upto(row.ToStringView()) : 0;
}

std::int64_t InboxFilterFactory::expired_before_ms() const {
  if (!armed_.load(std::memory_order_acquire)) return 0;
  return wall_at_start_ms_ + (clock_.steady_ms() - steady_at_start_ms_) - retention_ms_;
}

std::unique_ptr<rocksdb::CompactionFilter> InboxFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  return std::make_unique<InboxFilter>(*this);
}

}  // namespace godwit
