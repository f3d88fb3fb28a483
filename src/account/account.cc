#include "account/account.h"

#include <algorithm>

namespace godwit {

DeviceInfo device_from_row(const store::Device& row) {
  return {DeviceId(row.device_id()),   row.key(), row.name(), row.created_ms(), DeviceId(row.approved_by()),
          row.approval_signature(), row.approval_link_id(), row.last_seen_ms(), row.last_seen_ms()};
}

void device_to_row(const DeviceInfo& device, store::Device* row) {
  row->set_device_id(device.id.value);
  row->set_key(device.key);
  row->set_name(device.name);
  row->set_created_ms(device.created_ms);
  row->set_approved_by(device.approved_by.value);
  row->set_approval_signature(device.approval_signature);
  row->set_approval_link_id(device.approval_link_id);
  row->set_last_seen_ms(device.last_seen_ms);
}

Contacts::Rows Account::read_more(const Store& store, const PartitionMap& map, UserId user,
                                  const std::optional<std::string>& row) {
  store::UserRow stored;
  const bool any = row && stored.ParseFromString(*row) && stored.contacts() != 0;
  return any ? Contacts::read(store, map, user) : Contacts::Rows();
}

void Account::load(const std::optional<std::string>& row, const Contacts::Rows& contacts) {
  store::UserRow stored;
  if (!row || !stored.ParseFromString(*row)) return;
  applied_ = stored.applied_lsn();
  handle_ = stored.handle();
  created_ms_ = stored.created_ms();
  deleted_ = stored.deleted();
  last_device_id_ = DeviceId(stored.last_device_id());
  devices_.clear();
  for (const auto& device : stored.devices()) devices_.push_back(device_from_row(device));
  blocked_.clear();
  for (const std::uint64_t user : stored.blocked()) blocked_.push_back(UserId(user));
  if (stored.has_privacy()) {
    privacy_ = std::make_unique<PrivacySettings>();
    privacy_->change(stored.privacy());
  }
  contacts_.load(contacts);
  lookups = {stored.lookups_spent(), stored.lookups_spent_at_ms()};
  last_present_ms_ = present_noted_ms_ = stored.last_present_ms();
}

void Account::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
  // What was decided before the account was deleted, and stands behind that in the journal.
  if (deleted_) return;
  const store::Record& body = record->body;
  switch (body.body_case()) {
    case store::Record::kUserCreated: {
      const auto& created = body.user_created();
      handle_ = created.handle();
      created_ms_ = body.time_ms();
      devices_ = {device_from_row(created.device())};
      last_device_id_ = devices_[0].id;
      break;
    }
    case store::Record::kDeviceAdded:
    case store::Record::kDeviceRevoked:
    case store::Record::kDeviceRenamed:
      apply_device(body);
      break;
    case store::Record::kUserDeleted:
      deleted_ = true;
      devices_.clear();
      blocked_.clear();
      privacy_.reset();
      contacts_.clear(applied_);
      last_present_ms_ = present_noted_ms_ = 0;
      break;
    case store::Record::kBlockChanged: {
      const UserId user(body.block_changed().blocked());
      std::erase(blocked_, user);
      if (!body.block_changed().lifted()) blocked_.push_back(user);
      break;
    }
    case store::Record::kPrivacyChanged:
      if (!privacy_) privacy_ = std::make_unique<PrivacySettings>();
      privacy_->change(body.privacy_changed().changed());
      break;
    case store::Record::kContactsChanged:
      contacts_.apply(body.contacts_changed(), applied_);
      break;
    default:
      break;
  }
}

void Account::apply_device(const store::Record& body) {
  if (body.has_device_added()) {
    devices_.push_back(device_from_row(body.device_added().device()));
    last_device_id_ = std::max(last_device_id_, devices_.back().id);
  } else if (body.has_device_revoked()) {
    std::erase_if(devices_, [&](const DeviceInfo& d) { return d.id.value == body.device_revoked().device_id(); });
  } else {
    for (DeviceInfo& device : devices_) {
      if (device.id.value == body.device_renamed().device_id()) device.name = body.device_renamed().name();
    }
  }
}

std::size_t Account::collect(const PartitionMap& map, Collector& out) {
  store::UserRow row;
  row.set_applied_lsn(applied_);
  row.set_handle(handle_);
  row.set_created_ms(created_ms_);
  row.set_deleted(deleted_);
  row.set_last_device_id(last_device_id_.value);
  for (const DeviceInfo& device : devices_) device_to_row(device, row.add_devices());
  for (const UserId user : blocked_) row.add_blocked(user.value);
  if (privacy_) privacy_->to_row(*row.mutable_privacy());
  row.set_contacts(static_cast<std::uint32_t>(contacts_.size()));
  row.set_lookups_spent(lookups.spent);
  row.set_lookups_spent_at_ms(lookups.at_ms);
  row.set_last_present_ms(last_present_ms_);
  out.rows.put(kColumn, key(map, user_), row.SerializeAsString());
  return 1 + contacts_.collect(map, user_, applied_, out);
}

const DeviceInfo* Account::device(DeviceId id) const {
  const auto it = std::find_if(devices_.begin(), devices_.end(), [&](const DeviceInfo& d) { return d.id == id; });
  return it != devices_.end() ? &*it : nullptr;
}

bool Account::blocks(UserId user) const {
  return std::find(blocked_.begin(), blocked_.end(), user) != blocked_.end();
}

const PrivacySettings& Account::privacy() const {
  static const PrivacySettings kDefaults;
  return privacy_ ? *privacy_ : kDefaults;
}

bool Account::allows(Rule rule, UserId who) const {
  if (!exists()) return false;
  if (who == user_) return true;
  const PrivacyRule& wanted = privacy().rule(rule);
  if (blocks(who) || std::binary_search(wanted.except.begin(), wanted.except.end(), who)) return false;
  if (wanted.audience == Audience::contacts) return contacts_.contains(who);
  return wanted.audience == Audience::everyone;
}

bool Account::seen(DeviceId device, std::int64_t now_ms, std::int64_t interval_ms) {
  const auto it = std::find_if(devices_.begin(), devices_.end(), [&](const DeviceInfo& d) { return d.id == device; });
  if (it == devices_.end()) return false;
  it->last_seen_ms = std::max(it->last_seen_ms, now_ms);
  if (it->last_seen_ms - it->seen_noted_ms < interval_ms) return false;
  it->seen_noted_ms = it->last_seen_ms;
  return true;
}

bool Account::present(std::int64_t until_ms, std::int64_t interval_ms) {
  if (!exists()) return false;
  last_present_ms_ = std::max(last_present_ms_, until_ms);
  if (last_present_ms_ - present_noted_ms_ < interval_ms) return false;
  present_noted_ms_ = last_present_ms_;
  return true;
}

void Handle::load(const std::optional<std::string>& row) {
  store::HandleRow stored;
  if (!row || !stored.ParseFromString(*row)) return;
  applied_ = stored.applied_lsn();
  user_ = UserId(stored.user());
  retired_ = stored.retired();
}

void Handle::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
  if (record->body.has_user_created()) user_ = UserId(record->body.user_created().user());
  if (record->body.has_user_deleted()) retired_ = true;
}

std::size_t Handle::collect(const PartitionMap& map, Collector& out) {
  store::HandleRow row;
  row.set_applied_lsn(applied_);
  row.set_user(user_.value);
  row.set_retired(retired_);
  out.rows.put(kColumn, key(map, handle_), row.SerializeAsString());
  return 1;
}

void Invite::load(const std::optional<std::string>& row) {
  store::InviteRow stored;
  if (!row || !stored.ParseFromString(*row)) return;
  applied_ = stored.applied_lsn();
  uses_left_ = stored.uses_left();
  expires_ms_ = stored.expires_ms();
}

void Invite::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
  if (record->body.has_invite_created()) {
    uses_left_ = record->body.invite_created().uses();
    expires_ms_ = record->body.invite_created().expires_ms();
  } else if (record->body.has_user_created() && uses_left_ > 0) {
    --uses_left_;
  }
}

std::size_t Invite::collect(const PartitionMap& map, Collector& out) {
  store::InviteRow row;
  row.set_applied_lsn(applied_);
  row.set_uses_left(uses_left_);
  row.set_expires_ms(expires_ms_);
  out.rows.put(kColumn, key(map, code_), row.SerializeAsString());
  return 1;
}

}  // namespace godwit
