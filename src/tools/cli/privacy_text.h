// Privacy settings in words.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "godwit.pb.h"
#include "godwit/ids.h"

namespace godwit::cli {

// Finds the user of a handle; may throw.
using FindUser = std::function<UserId(const std::string&)>;

// Words like "last_seen=contacts", "may_add_me=everyone,-bob" (everyone but bob), "hide_read_receipts=yes"
// and "ask_first=no" become a request. Throws std::invalid_argument, which says what is wrong.
v1::SetPrivacy parse_privacy(const std::vector<std::string>& words, const FindUser& find);

// "everyone", "contacts" or "nobody".
std::string_view audience_name(v1::Audience audience);

// "contacts", or "everyone but bob and 3 others".
std::string rule_text(const v1::PrivacyRule& rule, const std::function<std::string(UserId)>& name_of);

// The rules by name, in the order in which they are shown.
struct NamedRule {
  std::string_view name;
  const v1::PrivacyRule& (v1::Privacy::*rule)() const;
};
const std::vector<NamedRule>& privacy_rules();

}  // namespace godwit::cli
