#include "account/privacy.h"

#include <algorithm>

namespace godwit {
namespace {

PrivacyRule rule_from_row(const store::PrivacyRule& row) {
  PrivacyRule rule;
  const auto audience = static_cast<Audience>(row.audience());
  if (audience == Audience::contacts || audience == Audience::nobody) rule.audience = audience;
  for (const std::uint64_t user : row.except()) rule.except.push_back(UserId(user));
  std::sort(rule.except.begin(), rule.except.end());
  return rule;
}

void rule_to_row(const PrivacyRule& rule, store::PrivacyRule* row) {
  row->set_audience(static_cast<std::uint32_t>(rule.audience));
  for (const UserId user : rule.except) row->add_except(user.value);
}

}  // namespace

void PrivacySettings::change(const store::PrivacySettings& changed) {
  const auto take = [&](Rule which, bool set, const store::PrivacyRule& row) {
    if (set) rules[static_cast<std::size_t>(which)] = rule_from_row(row);
  };
  take(Rule::last_seen, changed.has_last_seen(), changed.last_seen());
  take(Rule::online, changed.has_online(), changed.online());
  take(Rule::profile, changed.has_profile(), changed.profile());
  take(Rule::status, changed.has_status(), changed.status());
  take(Rule::may_add_me, changed.has_may_add_me(), changed.may_add_me());
  if (changed.has_hide_read_receipts()) hide_read_receipts = changed.hide_read_receipts();
  if (changed.has_ask_first()) ask_first = changed.ask_first();
}

void PrivacySettings::to_row(store::PrivacySettings& row) const {
  rule_to_row(rule(Rule::last_seen), row.mutable_last_seen());
  rule_to_row(rule(Rule::online), row.mutable_online());
  rule_to_row(rule(Rule::profile), row.mutable_profile());
  rule_to_row(rule(Rule::status), row.mutable_status());
  rule_to_row(rule(Rule::may_add_me), row.mutable_may_add_me());
  row.set_hide_read_receipts(hide_read_receipts);
  row.set_ask_first(ask_first);
}

}  // namespace godwit
