#include "account/contact_hash.h"

#include "base/hmac.h"

namespace godwit {

std::string contact_hash(std::string_view discovery_key, std::string_view handle) {
  return hmac_sha256(discovery_key, handle).substr(0, kContactHashBytes);
}

void ContactHash::load(const std::optional<std::string>& row) {
  store::ContactHashRow stored;
  if (!row || !stored.ParseFromString(*row)) return;
  applied_ = stored.applied_lsn();
  user_ = UserId(stored.user());
}

void ContactHash::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
  if (record->body.has_user_created()) user_ = UserId(record->body.user_created().user());
  if (record->body.has_user_deleted()) user_ = UserId();
}

std::size_t ContactHash::collect(const PartitionMap& map, Collector& out) {
  if (!user_) {
    out.rows.erase(kColumn, key(map, hash_));
    return 1;
  }
  store::ContactHashRow row;
  row.set_applied_lsn(applied_);
  row.set_user(user_.value);
  out.rows.put(kColumn, key(map, hash_), row.SerializeAsString());
  return 1;
}

}  // namespace godwit
