// What a user has published of keys: the identities of the devices, and the keys that others may take.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/allowance.h"
#include "godwit/ids.h"
#include "keys/claim_quota.h"
#include "storage/collector.h"
#include "storage/partition_map.h"
#include "storage/record.h"
#include "storage/store.h"
#include "storage/unwritten.h"

namespace godwit {

namespace v1 {
class DeviceKeys;
}  // namespace v1

// Kinds of keys that are given out once; values of store.OneTimeKey.
enum class KeyKind : std::uint8_t { x25519 = 1, ml_kem = 2, package = 3 };
inline constexpr std::array kKeyKinds = {KeyKind::x25519, KeyKind::ml_kem, KeyKind::package};

// What a key is recognised by when it is published again. `id` is 0 for key packages, which have none.
struct SeenKey {
  std::uint32_t id = 0;
  std::uint64_t tag = 0;
  bool operator==(const SeenKey&) const = default;
};
// `key` as in store.OneTimeKey.
SeenKey seen_key(KeyKind kind, const std::string& key);

// A one-time key, by its place.
struct StockKey {
  DeviceId device;
  KeyKind kind = KeyKind::x25519;
  std::uint64_t seq = 0;
  auto operator<=>(const StockKey&) const = default;
};

// The one-time keys of a kind.
struct KeySeries {
  struct Left {
    std::uint64_t seq = 0;
    std::int64_t expires_ms = 0;  // 0 is never
    std::uint64_t tag = 0;        // as in SeenKey
    bool taken = false;           // by a claim that is not committed yet

    bool in_time(std::int64_t now_ms) const { return expires_ms == 0 || expires_ms > now_ms; }
  };
  std::uint64_t next_seq = 0;  // 0: there never was one
  std::vector<Left> left;      // ascending
  std::deque<SeenKey> seen;    // the latest, oldest first

  std::size_t available(std::int64_t now_ms) const;
  // The key that had the id, or the package with the tag, if it was seen of late.
  const SeenKey* find_seen(const SeenKey& key) const;
};

// The keys of a device with an identity key.
struct DeviceKeySet {
  DeviceId id;
  std::string device_key;
  std::string identity_key;
  std::string identity_signature;
  std::string device_signature;
  // Revoked, or the account is deleted, but the key log has it still: it has no other keys, and gets none.
  bool withdrawn = false;
  std::string signed_prekey;   // encoded SignedPrekey; empty when there is none
  std::string pq_last_resort;  // the same
  std::string last_resort_package;
  std::int64_t last_resort_expires_ms = 0;
  std::array<KeySeries, kKeyKinds.size()> series;

  KeySeries& of(KeyKind kind) { return series[static_cast<std::size_t>(kind) - 1]; }
  const KeySeries& of(KeyKind kind) const { return series[static_cast<std::size_t>(kind) - 1]; }
};

// The identity alone.
void identity_to_row(const DeviceKeySet& device, store::IdentityDevice& row);

// As clients are told of it: identity, signed prekey and last resorts.
void device_keys_to_wire(const DeviceKeySet& device, v1::DeviceKeys& wire);
// Puts a one-time key into its place; `key` as in store.OneTimeKey.
void one_time_to_wire(KeyKind kind, const std::string& key, v1::DeviceKeys& wire);

// In the rows of columns keys and key_stock. A state of RowCache: owner thread only. In memory is which one-time keys
// are left; the keys themselves only until a checkpoint has stored them.
//
// Bounds: devices by account.max_devices, keys of a kind and device by keys.max_per_stock (kept by the service), what
// was seen by kMaxSeen.
class UserKeys {
 public:
  // Ids and hashes of the latest keys of a kind and device.
  static constexpr std::size_t kMaxSeen = 1'000;
  struct Options {
    // Users whose devices must be compared with those of the account: rows that were loaded, or whose devices or
    // account changed. Never null.
    std::vector<UserId>* to_check = nullptr;
  };
  static constexpr Column kColumn = Column::keys;
  static std::string key(const PartitionMap& map, UserId user);

  UserKeys(UserId user, const Options& options) : user_(user), options_(options) {}

  // RowCache
  void load(const std::optional<std::string>& row);
  std::uint64_t applied() const { return applied_; }
  void apply(const RecordPtr& record);
  std::size_t collect(const PartitionMap& map, Collector& out);
  bool checkpointed(std::size_t& budget) { return unwritten_.checkpointed(budget); }
  bool idle() const { return claims_open == 0 && unwritten_.empty(); }

  UserId user() const { return user_; }
  // Of the latest entry in the key log; version 0 when there is none.
  std::uint64_t version() const { return version_; }
  std::uint64_t log_index() const { return log_index_; }
  std::int64_t time_ms() const { return time_ms_; }
  std::uint64_t previous() const { return previous_; }
  const std::vector<DeviceKeySet>& devices() const { return devices_; }
  const DeviceKeySet* device(DeviceId id) const;

  // Marks the oldest key that has not expired as taken, and says which. Expired ones before it are marked, too, and
  // added to `expired`.
  std::optional<StockKey> take(DeviceId device, KeyKind kind, std::int64_t now_ms, std::vector<StockKey>& expired);
  // It is not given out after all.
  void give_back(const StockKey& key);
  // The key while no checkpoint has stored it, else null.
  const std::string* unstored(const StockKey& key) const;
  // All of these.
  std::map<StockKey, std::string> unstored() const;

  // Devices that were told that a stock is low, and have not filled it since.
  std::set<DeviceId> told_low;
  // Claims that have marked keys as taken.
  std::uint32_t claims_open = 0;
  // What is left of the keys that the user may publish, of claims by the user, of those that take nothing: by the hour.
  Allowance published;
  Allowance claims;
  Allowance lookups;
  // Of changes of identity, by the day.
  Allowance identities;
  // Of claims that take keys of the user.
  ClaimQuota claimed;

 private:
  using Unstored = std::optional<std::string>;  // none: erased

  DeviceKeySet* find(DeviceId id);
  void apply_published(const store::KeysPublished& published);
  void apply_identity(const store::Record& body);
  void drop(const google::protobuf::RepeatedPtrField<store::StockPlace>& keys);
  void withdraw(DeviceKeySet& device);
  // Drops all keys but the identity.
  void drop_keys(DeviceKeySet& device);
  void drop_stock(DeviceKeySet& device);

  const UserId user_;
  const Options options_;
  std::uint64_t applied_ = 0;
  std::uint64_t version_ = 0;
  std::uint64_t log_index_ = 0;
  std::int64_t time_ms_ = 0;
  std::uint64_t previous_ = 0;
  std::vector<DeviceKeySet> devices_;  // in order of id
  Unwritten<StockKey, Unstored> unwritten_;
};

}  // namespace godwit
