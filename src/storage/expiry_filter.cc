#include "storage/expiry_filter.h"

#include "storage/encoded_field.h"
#include "store.pb.h"

namespace godwit {
namespace {

class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  ExpiryFilter(int field, std::int64_t now_ms) : field_(field), now_ms_(now_ms) {}

  Decision FilterV2(int, const rocksdb::Slice&, ValueType type, const rocksdb::Slice& value, std::string*,
                    std::string*) const override {
    if (type != ValueType::kValue) return Decision::kKeep;
    const auto expires_ms = static_cast<std::int64_t>(encoded_varint_field(value.ToStringView(), field_));
    return expires_ms != 0 && expires_ms <= now_ms_ ? Decision::kRemove : Decision::kKeep;
  }

  const char* Name() const override { return "godwit.ExpiryFilter"; }

 private:
  const int field_;
  const std::int64_t now_ms_;
};

}  // namespace

const int kStatusExpiresField = store::StatusRow::kExpiresMsFieldNumber;
const int kStatusReferenceExpiresField = store::StatusFeedRow::kExpiresMsFieldNumber;
static_assert(static_cast<int>(store::StatusFeedRow::kExpiresMsFieldNumber) ==
              static_cast<int>(store::StatusViewRow::kExpiresMsFieldNumber));

std::unique_ptr<rocksdb::CompactionFilter> ExpiryFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  return std::make_unique<ExpiryFilter>(field_, now_ms());
}

}  // namespace godwit
