#include "storage/routing.h"

#include <string_view>

namespace godwit {

std::uint64_t workers_of(const PartitionMap& map, const store::Record& record) {
  const auto name = [&](const std::string& text) { return map.bit(std::string_view(text)); };
  const auto user = [&](std::uint64_t id) { return map.bit(UserId(id)); };
  const auto chat = [&](const std::string& id) { return map.bit(ChatId::from(id)); };
  std::uint64_t bits = 0;
  switch (record.body_case()) {
    case store::Record::kMessage:
      bits = chat(record.message().chat());
      // Of a group, nothing but its members' spans tells who else; the writer knows better.
      if (record.message().group_sender() != 0) return bits;
      for (const std::uint64_t id : record.message().recipients()) bits |= user(id);
      return bits;
    case store::Record::kWatermark:
      bits = chat(record.watermark().chat());
      for (const std::uint64_t id : record.watermark().recipients()) bits |= user(id);
      return bits;
    case store::Record::kUserCreated: {
      const auto& created = record.user_created();
      bits = user(created.user()) | name(created.handle());
      if (!created.contact_hash().empty()) bits |= name(created.contact_hash());
      return created.invite().empty() ? bits : bits | name(created.invite());
    }
    case store::Record::kDeviceAdded:
      return user(record.device_added().user());
    case store::Record::kDeviceRevoked:
      return user(record.device_revoked().user());
    case store::Record::kUserDeleted:
      return map.workers >= 64 ? ~0ULL : (1ULL << map.workers) - 1;
    case store::Record::kBlockChanged:
      return user(record.block_changed().blocker()) | chat(record.block_changed().chat());
    case store::Record::kInviteCreated:
      return name(record.invite_created().code());
    case store::Record::kGroupDoor:
      return chat(record.group_door().chat());
    case store::Record::kMessageHidden:
      return chat(record.message_hidden().chat());
    case store::Record::kConsentGiven:
      return chat(record.consent_given().chat());
    case store::Record::kGroupWatermark:
      bits = chat(record.group_watermark().chat());
      for (const std::uint64_t id : record.group_watermark().recipients()) bits |= user(id);
      return bits;
    case store::Record::kPrivacyChanged:
      return user(record.privacy_changed().user());
    case store::Record::kContactsChanged:
      return user(record.contacts_changed().user());
    case store::Record::kDeviceRenamed:
      return user(record.device_renamed().user());
    case store::Record::kStatusPosted:
      bits = user(record.status_posted().author());
      for (const std::uint64_t id : record.status_posted().viewers()) bits |= user(id);
      return bits;
    case store::Record::kStatusRemoved:
      bits = user(record.status_removed().author());
      for (const std::uint64_t id : record.status_removed().viewers()) bits |= user(id);
      return bits;
    case store::Record::kStatusViewed:
      bits = user(record.status_viewed().viewer());
      return record.status_viewed().shown() ? bits | user(record.status_viewed().author()) : bits;
    case store::Record::kStatusMuted:
      return user(record.status_muted().user());
    case store::Record::kKeysPublished:
      return user(record.keys_published().user());
    case store::Record::kIdentityChanged:
      return map.bit(kKeyLogName) | user(record.identity_changed().user());
    case store::Record::kKeysClaimed:
      return user(record.keys_claimed().user());
    case store::Record::BODY_NOT_SET:
      return 0;
  }
  return 0;
}

}  // namespace godwit
