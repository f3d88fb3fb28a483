#include "tools/cli/group_text.h"

#include <algorithm>

#include "tools/cli/call_text.h"
#include "tools/cli/duration.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::size_t kNamed = 5;

v1::Role or_default(v1::Role role, v1::Role fallback) {
  return role == v1::NONE ? fallback : role;
}

// "ann", "ann and bob", "ann, bob and 40 others".
std::string listed(const std::vector<UserId>& users, const NameOf& name_of) {
  const std::size_t named = users.size() > kNamed ? kNamed - 1 : users.size();
  std::string text;
  for (std::size_t i = 0; i < named; ++i) {
    const bool last = i + 1 == users.size();
    text += i == 0 ? "" : last ? " and " : ", ";
    text += name_of(users[i]);
  }
  if (named < users.size()) text += " and " + std::to_string(users.size() - named) + " others";
  return text;
}

std::string with_article(v1::Role role) {
  return role == v1::OWNER ? "the owner" : role == v1::ADMIN ? "an admin" : "a member";
}

std::string timer_text(std::uint32_t ttl_s) {
  return ttl_s == 0 ? "messages stay" : "messages disappear after " + format_duration(ttl_s);
}

// Collects the parts of one sentence about one actor.
class Sentence {
 public:
  explicit Sentence(std::string actor) : text_(std::move(actor)) {}
  void add(const std::string& part) {
    text_ += (empty_ ? " " : "; ") + part;
    empty_ = false;
  }
  void add_listed(const std::string& verb, const std::vector<UserId>& users, const NameOf& name_of) {
    if (!users.empty()) add(verb + " " + listed(users, name_of));
  }
  std::string take() {
    if (empty_) text_ += " changed something that this program does not know";
    return std::move(text_);
  }

 private:
  std::string text_;
  bool empty_ = true;
};

void tell_members(const v1::ChatEvent& event, UserId actor, std::uint64_t chat_seq, const NameOf& name_of,
                  Sentence& sentence) {
  std::vector<UserId> added;
  for (const v1::Member& member : event.members()) {
    const UserId user(member.user_id());
    const bool came_in = event.created() || member.joined_seq() == chat_seq;
    if (came_in && user == actor) {
      if (!event.created()) sentence.add("joined");
    } else if (came_in && member.role() == v1::MEMBER) {
      added.push_back(user);
    } else if (user == actor) {
      sentence.add("became " + with_article(member.role()));
    } else {
      sentence.add("made " + name_of(user) + " " + with_article(member.role()));
    }
  }
  sentence.add_listed("added", added, name_of);
}

void tell_removed(const v1::ChatEvent& event, UserId actor, const NameOf& name_of, Sentence& sentence) {
  const auto is_banned = [&](std::uint64_t user) {
    return std::find(event.banned().begin(), event.banned().end(), user) != event.banned().end();
  };
  std::vector<UserId> removed;
  std::vector<UserId> banned;
  for (const std::uint64_t user : event.removed()) {
    if (UserId(user) == actor) {
      sentence.add("left");
    } else if (!is_banned(user)) {
      removed.emplace_back(user);
    }
  }
  for (const std::uint64_t user : event.banned()) banned.emplace_back(user);
  sentence.add_listed("removed", removed, name_of);
  sentence.add_listed("banned", banned, name_of);
}

}  // namespace

std::string_view role_name(v1::Role role) {
  switch (role) {
    case v1::MEMBER:
      return "member";
    case v1::ADMIN:
      return "admin";
    case v1::OWNER:
      return "owner";
    default:
      return "none";
  }
}

std::optional<v1::Role> parse_role(std::string_view text) {
  for (const v1::Role role : {v1::MEMBER, v1::ADMIN, v1::OWNER}) {
    if (text == role_name(role)) return role;
  }
  return std::nullopt;
}

std::string settings_text(const v1::GroupSettings& settings) {
  const auto word = [](v1::Role role, v1::Role fallback) {
    return std::string(role_name(or_default(role, fallback)));
  };
  return "post: " + word(settings.may_post(), v1::MEMBER) + ", add: " + word(settings.may_add(), v1::ADMIN) +
         ", rename: " + word(settings.may_rename(), v1::ADMIN) + ", " + timer_text(settings.ttl_s());
}

std::optional<std::string> apply_settings(const std::vector<std::string>& words,
                                          v1::GroupSettings& settings) {
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (key == "ttl") {
      const auto seconds = parse_duration(value);
      if (!seconds) return "not a time like 30m, 1d or off: " + value;
      settings.set_ttl_s(*seconds);
      continue;
    }
    const auto role = parse_role(value);
    if (key != "may_post" && key != "may_add" && key != "may_rename") {
      return "not a setting (may_post, may_add, may_rename, ttl): " + word;
    }
    if (!role) return "not a role (member, admin, owner): " + value;
    if (key == "may_post") settings.set_may_post(*role);
    if (key == "may_add") settings.set_may_add(*role);
    if (key == "may_rename") settings.set_may_rename(*role);
  }
  return std::nullopt;
}

std::string event_text(const v1::ChatEvent& event, UserId actor, std::uint64_t chat_seq,
                       const NameOf& name_of, const std::optional<std::string>& new_name) {
  Sentence sentence(name_of(actor));
  const std::string name = new_name ? " \"" + sanitize(*new_name) + "\"" : "";
  if (event.created()) {
    sentence.add("created the group" + name);
  } else if (event.has_name()) {
    sentence.add(new_name ? "named the group" + name : "gave the group another name");
  }
  tell_members(event, actor, chat_seq, name_of, sentence);
  tell_removed(event, actor, name_of, sentence);
  std::vector<UserId> unbanned;
  for (const std::uint64_t user : event.unbanned()) unbanned.emplace_back(user);
  sentence.add_listed("lifted the ban of", unbanned, name_of);
  if (event.has_settings() && !event.created()) {
    sentence.add("changed the settings (" + settings_text(event.settings()) + ")");
  }
  if (event.removed_seq() != 0) sentence.add("removed message #" + std::to_string(event.removed_seq()));
  if (event.has_call()) sentence.add(call_record_text(event.call()));
  if (event.has_ttl_s()) sentence.add("set the timer: " + timer_text(event.ttl_s()));
  return sentence.take();
}

std::string receipt_text(std::uint32_t delivered, std::uint32_t read, std::uint32_t of) {
  return "delivered to " + std::to_string(delivered) + " of " + std::to_string(of) + ", read by " +
         std::to_string(read);
}

}  // namespace godwit::cli
