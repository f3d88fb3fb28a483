#include "keys/user_keys.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "godwit.pb.h"
#include "storage/keys.h"

namespace godwit {
namespace {

// Tells keys of one device apart. Who makes two with the same hash loses one of them.
std::uint64_t tag_of(std::string_view key) {
  static constexpr unsigned char kNoKey[crypto_shorthash_KEYBYTES] = {};
  unsigned char hash[crypto_shorthash_BYTES];
  crypto_shorthash(hash, reinterpret_cast<const unsigned char*>(key.data()), key.size(), kNoKey);
  std::uint64_t tag = 0;
  for (const unsigned char byte : hash) tag = tag << 8 | byte;
  return tag;
}

void to_row(const KeySeries& series, store::KeySeries* row) {
  row->set_next_seq(series.next_seq);
  for (const KeySeries::Left& left : series.left) {
    row->add_seqs(left.seq);
    row->add_tags(left.tag);
    if (left.expires_ms != 0) row->add_expires_ms(left.expires_ms);
  }
  for (const SeenKey& seen : series.seen) {
    row->add_seen_ids(seen.id);
    row->add_seen_tags(seen.tag);
  }
}

KeySeries from_row(const store::KeySeries& row) {
  KeySeries series;
  series.next_seq = row.next_seq();
  for (int i = 0; i < std::min(row.seqs_size(), row.tags_size()); ++i) {
    series.left.push_back({row.seqs(i), i < row.expires_ms_size() ? row.expires_ms(i) : 0, row.tags(i), false});
  }
  for (int i = 0; i < std::min(row.seen_ids_size(), row.seen_tags_size()); ++i) {
    series.seen.push_back({row.seen_ids(i), row.seen_tags(i)});
  }
  return series;
}

void to_row(const DeviceKeySet& device, store::KeysDevice* row) {
  identity_to_row(device, *row->mutable_identity());
  row->set_withdrawn(device.withdrawn);
  row->set_signed_prekey(device.signed_prekey);
  row->set_pq_last_resort(device.pq_last_resort);
  row->set_last_resort_package(device.last_resort_package);
  row->set_last_resort_expires_ms(device.last_resort_expires_ms);
  for (const KeySeries& series : device.series) to_row(series, row->add_series());
}

DeviceKeySet identity_of(const store::IdentityDevice& row) {
  DeviceKeySet device;
  device.id = DeviceId(row.device_id());
  device.device_key = row.device_key();
  device.identity_key = row.identity_key();
  device.identity_signature = row.identity_signature();
  device.device_signature = row.device_signature();
  return device;
}

DeviceKeySet from_row(const store::KeysDevice& row) {
  DeviceKeySet device = identity_of(row.identity());
  device.withdrawn = row.withdrawn();
  device.signed_prekey = row.signed_prekey();
  device.pq_last_resort = row.pq_last_resort();
  device.last_resort_package = row.last_resort_package();
  device.last_resort_expires_ms = row.last_resort_expires_ms();
  const auto count = std::min(device.series.size(), static_cast<std::size_t>(row.series_size()));
  for (std::size_t i = 0; i < count; ++i) device.series[i] = from_row(row.series(static_cast<int>(i)));
  return device;
}

void to_row(const Allowance& allowance, store::SpentAllowance* row) {
  row->set_spent(allowance.spent);
  row->set_at_ms(allowance.at_ms);
}

}  // namespace

SeenKey seen_key(KeyKind kind, const std::string& key) {
  if (kind == KeyKind::package) return {0, tag_of(key)};
  if (kind == KeyKind::x25519) {
    v1::Prekey prekey;
    prekey.ParseFromString(key);
    return {prekey.id(), tag_of(prekey.public_key())};
  }
  v1::SignedPrekey prekey;
  prekey.ParseFromString(key);
  return {prekey.id(), tag_of(prekey.public_key())};
}

void identity_to_row(const DeviceKeySet& device, store::IdentityDevice& row) {
  row.set_device_id(device.id.value);
  row.set_device_key(device.device_key);
  row.set_identity_key(device.identity_key);
  row.set_identity_signature(device.identity_signature);
  row.set_device_signature(device.device_signature);
}

void device_keys_to_wire(const DeviceKeySet& device, v1::DeviceKeys& wire) {
  wire.set_device_id(device.id.value);
  wire.set_device_key(device.device_key);
  wire.set_identity_key(device.identity_key);
  wire.set_identity_signature(device.identity_signature);
  wire.set_device_signature(device.device_signature);
  if (!device.signed_prekey.empty()) wire.mutable_signed_prekey()->ParseFromString(device.signed_prekey);
  if (!device.pq_last_resort.empty()) wire.mutable_pq_prekey()->ParseFromString(device.pq_last_resort);
  wire.set_key_package(device.last_resort_package);
  wire.set_last_resort(!device.last_resort_package.empty());
}

void one_time_to_wire(KeyKind kind, const std::string& key, v1::DeviceKeys& wire) {
  if (kind == KeyKind::x25519) {
    wire.mutable_one_time_prekey()->ParseFromString(key);
  } else if (kind == KeyKind::ml_kem) {
    wire.mutable_pq_prekey()->ParseFromString(key);
  } else {
    wire.set_key_package(key);
    wire.set_last_resort(false);
  }
}

std::size_t KeySeries::available(std::int64_t now_ms) const {
  return static_cast<std::size_t>(
      std::count_if(left.begin(), left.end(), [&](const Left& one) { return !one.taken && one.in_time(now_ms); }));
}

const SeenKey* KeySeries::find_seen(const SeenKey& key) const {
  const auto it = std::find_if(seen.begin(), seen.end(),
                               [&](const SeenKey& s) { return s.id == key.id && (key.id != 0 || s.tag == key.tag); });
  return it != seen.end() ? &*it : nullptr;
}

std::string UserKeys::key(const PartitionMap& map, UserId user) {
  return user_key(map.partition(user), user);
}

void UserKeys::load(const std::optional<std::string>& row) {
  store::KeysRow stored;
  if (!row || !stored.ParseFromString(*row)) return;
  applied_ = stored.applied_lsn();
  version_ = stored.version();
  log_index_ = stored.log_index();
  time_ms_ = stored.time_ms();
  previous_ = stored.previous();
  for (const auto& device : stored.devices()) devices_.push_back(from_row(device));
  published = {stored.published().spent(), stored.published().at_ms()};
  claims = {stored.claims().spent(), stored.claims().at_ms()};
  lookups = {stored.lookups().spent(), stored.lookups().at_ms()};
  identities = {stored.identities().spent(), stored.identities().at_ms()};
  claimed.load(stored);
  if (!devices_.empty()) options_.to_check->push_back(user_);
}

void UserKeys::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
  const store::Record& body = record->body;
  switch (body.body_case()) {
    case store::Record::kKeysPublished:
      apply_published(body.keys_published());
      break;
    case store::Record::kIdentityChanged:
      apply_identity(body);
      break;
    case store::Record::kKeysClaimed:
      drop(body.keys_claimed().keys());
      break;
    case store::Record::kDeviceRevoked:
      if (DeviceKeySet* device = find(DeviceId(body.device_revoked().device_id()))) withdraw(*device);
      break;
    case store::Record::kUserDeleted:
      for (DeviceKeySet& device : devices_) withdraw(device);
      published = claims = lookups = identities = {};
      claimed = {};
      break;
    default:
      break;
  }
}

void UserKeys::apply_published(const store::KeysPublished& published) {
  DeviceKeySet* device = find(DeviceId(published.device_id()));
  // It was decided before the device was revoked.
  if (device == nullptr || device->withdrawn) return;
  if (!published.signed_prekey().empty()) device->signed_prekey = published.signed_prekey();
  if (!published.pq_last_resort().empty()) device->pq_last_resort = published.pq_last_resort();
  if (!published.last_resort_package().empty()) {
    device->last_resort_package = published.last_resort_package();
    device->last_resort_expires_ms = published.last_resort_expires_ms();
  }
  drop(published.dropped());
  for (const store::OneTimeKey& key : published.one_time()) {
    const auto kind = static_cast<KeyKind>(key.kind());
    KeySeries& series = device->of(kind);
    const SeenKey seen = seen_key(kind, key.key());
    series.left.push_back({key.seq(), key.expires_ms(), seen.tag, false});
    series.next_seq = key.seq() + 1;
    unwritten_.set({device->id, kind, key.seq()}, applied_, key.key());
    if (series.find_seen(seen) != nullptr) continue;
    series.seen.push_back(seen);
    if (series.seen.size() > kMaxSeen) series.seen.pop_front();
  }
}

void UserKeys::apply_identity(const store::Record& body) {
  const store::IdentityChanged& changed = body.identity_changed();
  version_ = changed.version();
  log_index_ = changed.log_index();
  previous_ = changed.previous();
  time_ms_ = body.time_ms();
  std::vector<DeviceKeySet> devices;
  for (const store::IdentityDevice& row : changed.devices()) {
    DeviceKeySet device = identity_of(row);
    if (DeviceKeySet* before = find(device.id)) {
      if (before->identity_key != device.identity_key) drop_keys(*before);
      before->identity_key = device.identity_key;
      before->identity_signature = device.identity_signature;
      before->device_signature = device.device_signature;
      device = std::move(*before);
      before->id = DeviceId();
    }
    devices.push_back(std::move(device));
  }
  for (DeviceKeySet& left : devices_) {
    if (left.id) drop_stock(left);
  }
  devices_ = std::move(devices);
  if (changed.has_published()) apply_published(changed.published());
  options_.to_check->push_back(user_);
}

void UserKeys::drop(const google::protobuf::RepeatedPtrField<store::StockPlace>& keys) {
  for (const store::StockPlace& key : keys) {
    DeviceKeySet* device = find(DeviceId(key.device_id()));
    if (device == nullptr) continue;
    const auto kind = static_cast<KeyKind>(key.kind());
    auto& left = device->of(kind).left;
    const auto it = std::lower_bound(left.begin(), left.end(), key.seq(),
                                     [](const KeySeries::Left& l, std::uint64_t seq) { return l.seq < seq; });
    if (it == left.end() || it->seq != key.seq()) continue;
    left.erase(it);
    unwritten_.set({device->id, kind, key.seq()}, applied_, std::nullopt);
  }
}

void UserKeys::withdraw(DeviceKeySet& device) {
  device.withdrawn = true;
  drop_keys(device);
  options_.to_check->push_back(user_);
}

void UserKeys::drop_keys(DeviceKeySet& device) {
  drop_stock(device);
  device.signed_prekey.clear();
  device.pq_last_resort.clear();
  device.last_resort_package.clear();
  device.last_resort_expires_ms = 0;
  // Under another identity, ids begin anew; places in the stock do not.
  for (KeySeries& series : device.series) series.seen.clear();
}

void UserKeys::drop_stock(DeviceKeySet& device) {
  for (const KeyKind kind : kKeyKinds) {
    for (const KeySeries::Left& left : std::exchange(device.of(kind).left, {})) {
      unwritten_.set({device.id, kind, left.seq}, applied_, std::nullopt);
    }
  }
}

std::size_t UserKeys::collect(const PartitionMap& map, Collector& out) {
  // Most users that lose a device or their account have never published.
  if (version_ == 0 && published.spent + claims.spent + lookups.spent + identities.spent == 0) return 1;
  store::KeysRow row;
  row.set_applied_lsn(applied_);
  row.set_version(version_);
  row.set_log_index(log_index_);
  row.set_time_ms(time_ms_);
  row.set_previous(previous_);
  for (const DeviceKeySet& device : devices_) to_row(device, row.add_devices());
  to_row(published, row.mutable_published());
  to_row(claims, row.mutable_claims());
  to_row(lookups, row.mutable_lookups());
  to_row(identities, row.mutable_identities());
  claimed.save(row);
  out.rows.put(kColumn, key(map, user_), row.SerializeAsString());
  auto stock = unwritten_.collect(applied_);
  const std::size_t count = stock.size();
  out.later.push_back([partition = map.partition(user_), user = user_, stock = std::move(stock)](CheckpointRows& rows) {
    for (const auto& [place, content] : stock) {
      std::string key = key_stock_key(partition, user, place.device, static_cast<std::uint8_t>(place.kind), place.seq);
      if (content) {
        rows.put(Column::key_stock, std::move(key), *content);
      } else {
        rows.erase(Column::key_stock, std::move(key));
      }
    }
  });
  return 1 + count;
}

const DeviceKeySet* UserKeys::device(DeviceId id) const {
  const auto it = std::find_if(devices_.begin(), devices_.end(), [&](const DeviceKeySet& d) { return d.id == id; });
  return it != devices_.end() ? &*it : nullptr;
}

DeviceKeySet* UserKeys::find(DeviceId id) {
  return const_cast<DeviceKeySet*>(std::as_const(*this).device(id));
}

std::optional<StockKey> UserKeys::take(DeviceId id, KeyKind kind, std::int64_t now_ms, std::vector<StockKey>& expired) {
  DeviceKeySet* device = find(id);
  if (device == nullptr) return std::nullopt;
  for (KeySeries::Left& left : device->of(kind).left) {
    if (left.taken) continue;
    left.taken = true;
    if (left.in_time(now_ms)) return StockKey{id, kind, left.seq};
    expired.push_back({id, kind, left.seq});
  }
  return std::nullopt;
}

void UserKeys::give_back(const StockKey& key) {
  DeviceKeySet* device = find(key.device);
  if (device == nullptr) return;
  for (KeySeries::Left& left : device->of(key.kind).left) {
    if (left.seq == key.seq) left.taken = false;
  }
}

const std::string* UserKeys::unstored(const StockKey& key) const {
  const Unstored* content = unwritten_.find(key);
  return content != nullptr && *content ? &**content : nullptr;
}

std::map<StockKey, std::string> UserKeys::unstored() const {
  std::map<StockKey, std::string> all;
  unwritten_.visit_from({}, [&](const StockKey& key, const Unstored& content) {
    if (content) all.emplace(key, *content);
    return true;
  });
  return all;
}

}  // namespace godwit
