#include "session/account_wire.h"

#include <algorithm>
#include <vector>

#include "godwit.pb.h"

namespace godwit {
namespace {

void rule_to_wire(const PrivacyRule& rule, v1::PrivacyRule* wire) {
  wire->set_audience(static_cast<v1::Audience>(rule.audience));
  for (const UserId user : rule.except) wire->add_except(user.value);
}

Status read_rule(const v1::PrivacyRule& wire, store::PrivacyRule* row) {
  if (!v1::Audience_IsValid(wire.audience())) return Error(Errc::invalid_argument, "there is no such audience");
  const v1::Audience audience = wire.audience() == v1::AUDIENCE_UNSPECIFIED ? v1::EVERYONE : wire.audience();
  row->set_audience(static_cast<std::uint32_t>(audience));
  if (static_cast<std::size_t>(wire.except_size()) > PrivacyRule::kMaxExcept) {
    return Error(Errc::too_large, "a rule has at most 1,000 exceptions");
  }
  std::vector<std::uint64_t> except(wire.except().begin(), wire.except().end());
  std::sort(except.begin(), except.end());
  except.erase(std::unique(except.begin(), except.end()), except.end());
  if (!except.empty() && except.front() == 0) return Error(Errc::invalid_argument, "`except` names no user");
  row->mutable_except()->Add(except.begin(), except.end());
  return Unit{};
}

}  // namespace

void device_to_wire(const DeviceInfo& info, v1::Device& device) {
  device.set_device_id(info.id.value);
  device.set_name(info.name);
  device.set_device_key(info.key);
  device.set_created_ms(info.created_ms);
  device.set_approved_by(info.approved_by.value);
  device.set_approval_signature(info.approval_signature);
  device.set_approval_link_id(info.approval_link_id);
  device.set_last_seen_ms(info.last_seen_ms);
}

void privacy_to_wire(const PrivacySettings& settings, v1::Privacy& wire) {
  rule_to_wire(settings.rule(Rule::last_seen), wire.mutable_last_seen());
  rule_to_wire(settings.rule(Rule::online), wire.mutable_online());
  rule_to_wire(settings.rule(Rule::profile), wire.mutable_profile());
  rule_to_wire(settings.rule(Rule::status), wire.mutable_status());
  rule_to_wire(settings.rule(Rule::may_add_me), wire.mutable_may_add_me());
  wire.set_hide_read_receipts(settings.hide_read_receipts);
  wire.set_ask_first(settings.ask_first);
}

void own_status_to_wire(const StatusPost& post, bool hides_read_receipts, v1::OwnStatus& wire) {
  wire.set_id(post.id.str());
  wire.set_posted_ms(post.posted_ms);
  wire.set_expires_ms(post.expires_ms);
  wire.set_viewers(post.viewers);
  wire.set_views(hides_read_receipts ? 0 : post.views);
}

Result<store::PrivacySettings> privacy_change(const v1::SetPrivacy& asked) {
  store::PrivacySettings changed;
  Status valid = Unit{};
  if (asked.has_last_seen()) valid = read_rule(asked.last_seen(), changed.mutable_last_seen());
  if (valid && asked.has_online()) valid = read_rule(asked.online(), changed.mutable_online());
  if (valid && asked.has_profile()) valid = read_rule(asked.profile(), changed.mutable_profile());
  if (valid && asked.has_status()) valid = read_rule(asked.status(), changed.mutable_status());
  if (valid && asked.has_may_add_me()) valid = read_rule(asked.may_add_me(), changed.mutable_may_add_me());
  if (!valid) return valid.error();
  if (asked.has_hide_read_receipts()) changed.set_hide_read_receipts(asked.hide_read_receipts());
  if (asked.has_ask_first()) changed.set_ask_first(asked.ask_first());
  return changed;
}

}  // namespace godwit
