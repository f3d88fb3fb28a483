// The rows of accounts: who has which devices, who owns a handle, what an invite is still good for.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "account/contacts.h"
#include "account/privacy.h"
#include "base/allowance.h"
#include "base/token_bucket.h"
#include "godwit/ids.h"
#include "storage/partition_map.h"
#include "storage/record.h"
#include "storage/collector.h"
#include "storage/store.h"

namespace godwit {

struct DeviceInfo {
  DeviceId id;
  std::string key;  // Ed25519 public key, 32 bytes
  std::string name;
  std::int64_t created_ms = 0;
  DeviceId approved_by;
  std::string approval_signature;
  std::string approval_link_id;
  std::int64_t last_seen_ms = 0;  // when a connection of it was last there; 0 is not known
  std::int64_t seen_noted_ms = 0;  // the last_seen_ms that the store has, or will have soon
};

DeviceInfo device_from_row(const store::Device& row);
void device_to_row(const DeviceInfo& device, store::Device* row);

// An account, in the rows of columns user and contact. A state of RowCache: owner thread only. Bound: devices
// by account.max_devices, blocks by kMaxBlocked, contacts by Contacts::kMax, exceptions of privacy rules by
// PrivacyRule::kMaxExcept.
class Account {
 public:
  static constexpr std::size_t kMaxBlocked = 10'000;
  struct Options {};
  static constexpr Column kColumn = Column::user;
  static std::string key(const PartitionMap& map, UserId user) { return user_key(map.partition(user), user); }

  Account(UserId user, const Options&) : user_(user) {}

  // RowCache
  static Contacts::Rows read_more(const Store& store, const PartitionMap& map, UserId user,
                                  const std::optional<std::string>& row);
  void load(const std::optional<std::string>& row, const Contacts::Rows& contacts);
  std::uint64_t applied() const { return applied_; }
  void apply(const RecordPtr& record);
  std::size_t collect(const PartitionMap& map, Collector& out);
  bool checkpointed(std::size_t& budget) { return contacts_.checkpointed(budget); }
  bool idle() const { return pins_ == 0 && contact_changes_decided == 0; }

  UserId user() const { return user_; }
  bool exists() const { return created_ms_ != 0 && !deleted_; }
  const std::string& handle() const { return handle_; }
  std::int64_t created_ms() const { return created_ms_; }
  const std::vector<DeviceInfo>& devices() const { return devices_; }
  const DeviceInfo* device(DeviceId id) const;
  bool blocks(UserId user) const;
  std::size_t blocked_count() const { return blocked_.size(); }
  const std::vector<UserId>& blocked() const { return blocked_; }
  const Contacts& contacts() const { return contacts_; }

  const PrivacySettings& privacy() const;
  // Whether `who` may see or do what the rule is about. Never whom the account blocks; always the account itself.
  bool allows(Rule rule, UserId who) const;
  bool hides_read_receipts() const { return privacy().hide_read_receipts; }
  bool asks_first() const { return privacy().ask_first; }
  DeviceId last_device_id() const { return last_device_id_; }

  void pin() { ++pins_; }
  void unpin() { --pins_; }

  // The device has, or had until now, a connection. True when that is news of at least `interval_ms`, which the
  // row should tell. An unknown device is none.
  bool seen(DeviceId device, std::int64_t now_ms, std::int64_t interval_ms);
  // The user was present until then, or still is. True as of seen().
  bool present(std::int64_t until_ms, std::int64_t interval_ms);
  // 0 is not known.
  std::int64_t last_present_ms() const { return last_present_ms_; }

  // Decided and not committed yet: contacts that are about to be added, and changes of contacts of any kind.
  std::uint32_t contacts_decided = 0;
  std::uint32_t contact_changes_decided = 0;
  // What is left of the contact lookups of a day.
  Allowance lookups;
  // Calls placed or joined, and TURN credentials asked for; since the account was loaded.
  TokenBucket call_invites;
  // The call that was placed last: the same again is not counted.
  std::pair<ChatId, MessageId> last_call;
  Allowance ice_credentials;
  // When an archive was begun last, by the steady clock; nothing is not since the account was loaded.
  std::optional<std::int64_t> export_began_ms;

 private:
  void apply_device(const store::Record& body);

  const UserId user_;
  std::uint64_t applied_ = 0;
  std::string handle_;
  std::int64_t created_ms_ = 0;
  bool deleted_ = false;
  DeviceId last_device_id_;
  std::vector<DeviceInfo> devices_;
  std::vector<UserId> blocked_;
  std::unique_ptr<PrivacySettings> privacy_;  // none while they are the defaults
  Contacts contacts_;
  std::int64_t last_present_ms_ = 0;
  std::int64_t present_noted_ms_ = 0;  // the last_present_ms that the store has, or will have soon
  std::uint32_t pins_ = 0;
};

// Who owns a handle. Handles are never given out twice.
class Handle {
 public:
  struct Options {};
  static constexpr Column kColumn = Column::handle;
  static std::string key(const PartitionMap& map, const std::string& handle) {
    return name_key(map.partition(std::string_view(handle)), handle);
  }
  Handle(std::string handle, const Options&) : handle_(std::move(handle)) {}

  void load(const std::optional<std::string>& row);
  std::uint64_t applied() const { return applied_; }
  void apply(const RecordPtr& record);
  std::size_t collect(const PartitionMap& map, Collector& out);
  bool checkpointed(std::size_t&) { return true; }
  bool idle() const { return !claimed; }

  bool taken() const { return claimed || static_cast<bool>(user_); }
  // The account, unless it is deleted.
  std::optional<UserId> user() const { return user_ && !retired_ ? std::optional(user_) : std::nullopt; }

  // A registration is on its way to the journal.
  bool claimed = false;

 private:
  const std::string handle_;
  std::uint64_t applied_ = 0;
  UserId user_;
  bool retired_ = false;
};

// What an invite is still good for.
class Invite {
 public:
  struct Options {};
  static constexpr Column kColumn = Column::invite;
  static std::string key(const PartitionMap& map, const std::string& code) {
    return name_key(map.partition(std::string_view(code)), code);
  }
  Invite(std::string code, const Options&) : code_(std::move(code)) {}

  void load(const std::optional<std::string>& row);
  std::uint64_t applied() const { return applied_; }
  void apply(const RecordPtr& record);
  std::size_t collect(const PartitionMap& map, Collector& out);
  bool checkpointed(std::size_t&) { return true; }
  bool idle() const { return claimed == 0; }

  bool usable(std::int64_t now_ms) const { return uses_left_ > claimed && now_ms < expires_ms_; }

  // Registrations with it that are on their way to the journal.
  std::uint32_t claimed = 0;

 private:
  const std::string code_;
  std::uint64_t applied_ = 0;
  std::uint32_t uses_left_ = 0;
  std::int64_t expires_ms_ = 0;
};

}  // namespace godwit
