#include "storage/log_filter.h"

#include <string>

#include "storage/encoded_field.h"
#include "storage/log_reader.h"

namespace godwit {
namespace {

class LogFilter final : public rocksdb::CompactionFilter {
 public:
  explicit LogFilter(std::int64_t now_ms) : now_ms_(now_ms) {}

  Decision FilterV2(int, const rocksdb::Slice&, ValueType type, const rocksdb::Slice& value, std::string* changed,
                    std::string*) const override {
    if (type != ValueType::kValue) return Decision::kKeep;
    const std::int64_t expires_ms = log_entry_expires_ms(value.ToStringView());
    if (expires_ms == 0 || expires_ms > now_ms_) return Decision::kKeep;
    store::LogEntry entry;
    if (!entry.ParseFromArray(value.data(), static_cast<int>(value.size()))) return Decision::kKeep;
    expire(entry, now_ms_);
    entry.SerializeToString(changed);
    return Decision::kChangeValue;
  }

  const char* Name() const override { return "godwit.LogFilter"; }

 private:
  const std::int64_t now_ms_;
};

}  // namespace

std::int64_t log_entry_expires_ms(std::string_view encoded) {
  return static_cast<std::int64_t>(encoded_varint_field(encoded, store::LogEntry::kExpiresMsFieldNumber));
}

std::unique_ptr<rocksdb::CompactionFilter> LogFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  return std::make_unique<LogFilter>(now_ms());
}

}  // namespace godwit
