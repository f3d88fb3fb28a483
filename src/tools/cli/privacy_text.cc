#include "tools/cli/privacy_text.h"

#include <algorithm>
#include <stdexcept>

namespace godwit::cli {
namespace {

constexpr int kNamed = 4;

v1::Audience parse_audience(const std::string& word) {
  if (word == "everyone") return v1::EVERYONE;
  if (word == "contacts") return v1::CONTACTS;
  if (word == "nobody") return v1::NOBODY;
  throw std::invalid_argument("not an audience (everyone, contacts, nobody): " + word);
}

// "everyone,-bob,-carol"
v1::PrivacyRule parse_rule(std::string_view text, const FindUser& find) {
  v1::PrivacyRule rule;
  std::size_t comma = text.find(',');
  rule.set_audience(parse_audience(std::string(text.substr(0, comma))));
  while (comma != std::string_view::npos) {
    text.remove_prefix(comma + 1);
    comma = text.find(',');
    const std::string word(text.substr(0, comma));
    if (word.size() < 2 || word[0] != '-')
      throw std::invalid_argument("exceptions are written -HANDLE: " + word);
    rule.add_except(find(word.substr(1)).value);
  }
  return rule;
}

bool parse_flag(const std::string& word) {
  if (word == "yes" || word == "on" || word == "true") return true;
  if (word == "no" || word == "off" || word == "false") return false;
  throw std::invalid_argument("neither yes nor no: " + word);
}

v1::PrivacyRule* rule_of(v1::SetPrivacy& request, const std::string& key) {
  if (key == "last_seen") return request.mutable_last_seen();
  if (key == "online") return request.mutable_online();
  if (key == "profile") return request.mutable_profile();
  if (key == "status") return request.mutable_status();
  if (key == "may_add_me") return request.mutable_may_add_me();
  return nullptr;
}

}  // namespace

v1::SetPrivacy parse_privacy(const std::vector<std::string>& words, const FindUser& find) {
  v1::SetPrivacy request;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) throw std::invalid_argument("not KEY=VALUE: " + word);
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (key == "hide_read_receipts") {
      request.set_hide_read_receipts(parse_flag(value));
    } else if (key == "ask_first") {
      request.set_ask_first(parse_flag(value));
    } else if (v1::PrivacyRule* rule = rule_of(request, key)) {
      *rule = parse_rule(value, find);
    } else {
      throw std::invalid_argument(
          "not a setting (last_seen, online, profile, status, may_add_me, hide_read_receipts, ask_first): " +
          key);
    }
  }
  return request;
}

std::string_view audience_name(v1::Audience audience) {
  return audience == v1::CONTACTS ? "contacts" : audience == v1::NOBODY ? "nobody" : "everyone";
}

std::string rule_text(const v1::PrivacyRule& rule, const std::function<std::string(UserId)>& name_of) {
  std::string text(audience_name(rule.audience()));
  const int named = std::min(rule.except_size(), kNamed);
  for (int i = 0; i < named; ++i) {
    text += i == 0 ? " but " : i + 1 == rule.except_size() ? " and " : ", ";
    text += name_of(UserId(rule.except(i)));
  }
  if (named < rule.except_size()) text += " and " + std::to_string(rule.except_size() - named) + " others";
  return text;
}

const std::vector<NamedRule>& privacy_rules() {
  static const std::vector<NamedRule> all = {{"last_seen", &v1::Privacy::last_seen},
                                             {"online", &v1::Privacy::online},
                                             {"profile", &v1::Privacy::profile},
                                             {"status", &v1::Privacy::status},
                                             {"may_add_me", &v1::Privacy::may_add_me}};
  return all;
}

}  // namespace godwit::cli
