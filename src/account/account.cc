#include "account/account.h"

#include <algorithm>

namespace godwit {

DeviceInfo device_from_row(const store::Device& row) {
  return {DeviceId(row.device_id()),   row.key(), row.name(), row.created_ms(), DeviceId(row.approved_by()),
          row.approval_signature(), row.approval_link_id()};
}

void device_to_row(const DeviceInfo& device, store::Device* row) {
  row->set_device_id(device.id.value);
  row->set_key(device.key);
  row->set_name(device.name);
  row->set_created_ms(device.created_ms);
  row->set_approved_by(device.approved_by.value);
  row->set_approval_signature(device.approval_signature);
  row->set_approval_link_id(device.approval_link_id);
}

void Account::load(const std::optional<std::string>& row) {
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
}

void Account::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
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
      devices_.push_back(device_from_row(body.device_added().device()));
      last_device_id_ = std::max(last_device_id_, devices_.back().id);
      break;
    case store::Record::kDeviceRevoked:
      std::erase_if(devices_, [&](const DeviceInfo& d) { return d.id.value == body.device_revoked().device_id(); });
      break;
    case store::Record::kUserDeleted:
      deleted_ = true;
      devices_.clear();
      blocked_.clear();
      break;
    case store::Record::kBlockChanged: {
      const UserId user(body.block_changed().blocked());
      std::erase(blocked_, user);
      if (!body.block_changed().lifted()) blocked_.push_back(user);
      break;
    }
    default:
      break;
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
  out.rows.put(kColumn, key(map, user_), row.SerializeAsString());
  return 1;
}

const DeviceInfo* Account::device(DeviceId id) const {
  const auto it = std::find_if(devices_.begin(), devices_.end(), [&](const DeviceInfo& d) { return d.id == id; });
  return it != devices_.end() ? &*it : nullptr;
}

bool Account::blocks(UserId user) const {
  return std::find(blocked_.begin(), blocked_.end(), user) != blocked_.end();
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
