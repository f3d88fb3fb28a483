#include "tools/cli/presence_text.h"

#include <algorithm>

#include "tools/cli/format.h"

namespace godwit::cli {
namespace {

std::string last_seen(const v1::Presence& presence, std::int64_t now_ms) {
  return presence.last_seen_ms() == 0 ? "" : ", last seen " + format_time(presence.last_seen_ms(), now_ms);
}

}  // namespace

std::string_view presence_name(v1::PresenceState state) {
  switch (state) {
    case v1::ONLINE:
      return "online";
    case v1::IDLE:
      return "idle";
    case v1::OFFLINE:
      return "offline";
    default:
      return "hidden";
  }
}

std::string_view typing_name(v1::TypingState state) {
  return state == v1::TYPING ? "typing" : state == v1::RECORDING ? "recording" : "stopped";
}

std::string presence_text(const v1::Presence& presence, std::int64_t now_ms) {
  if (presence.state() == v1::OFFLINE) return "offline" + last_seen(presence, now_ms);
  const bool told = presence.state() == v1::ONLINE || presence.state() == v1::IDLE;
  return told ? std::string(presence_name(presence.state())) : "not told";
}

std::string presence_change_text(const v1::Presence& presence, std::int64_t now_ms) {
  if (presence.state() == v1::OFFLINE) return "has left" + last_seen(presence, now_ms);
  if (presence.state() == v1::ONLINE) return "is online";
  return presence.state() == v1::IDLE ? "is idle" : "does not tell any more";
}

std::string_view typing_text(v1::TypingState state) {
  return state == v1::TYPING ? "is typing" : state == v1::RECORDING ? "is recording" : "has stopped typing";
}

bool PresenceBook::learn(const v1::Presence& presence) {
  const UserId user(presence.user_id());
  const auto found = known_.find(user);
  if (found == known_.end()) {
    if (known_.size() < kMaxUsers) known_.emplace(user, presence);
    return true;
  }
  const bool changed = found->second.state() != presence.state();
  found->second = presence;
  return changed;
}

bool TypingBoard::learn(const v1::TypingNotice& notice, Time now) {
  const Who who{chat_of(notice), UserId(notice.from())};
  if (notice.state() != v1::TYPING && notice.state() != v1::RECORDING) return typing_.erase(who) > 0;
  const Time until = now + std::chrono::milliseconds(notice.expires_ms());
  const auto found = typing_.find(who);
  if (found == typing_.end()) {
    if (typing_.size() >= kMaxTyping) return false;
    typing_.emplace(who, Typing{notice.state(), until});
    return true;
  }
  const bool changed = found->second.state != notice.state();
  found->second = {notice.state(), until};
  return changed;
}

std::vector<std::pair<TypingBoard::Who, v1::TypingState>> TypingBoard::expire(Time now) {
  std::vector<std::pair<Who, v1::TypingState>> gone;
  for (auto it = typing_.begin(); it != typing_.end();) {
    if (it->second.until > now) {
      ++it;
      continue;
    }
    gone.emplace_back(it->first, it->second.state);
    it = typing_.erase(it);
  }
  return gone;
}

std::optional<TypingBoard::Time> TypingBoard::next_expiry() const {
  const auto first = std::min_element(typing_.begin(), typing_.end(), [](const auto& a, const auto& b) {
    return a.second.until < b.second.until;
  });
  return first == typing_.end() ? std::nullopt : std::optional(first->second.until);
}

ChatRef chat_of(const v1::TypingNotice& notice) {
  if (notice.chat().size() == ChatId().bytes.size()) return ChatRef(ChatId::from(notice.chat()));
  return ChatRef(UserId(notice.from()));
}

}  // namespace godwit::cli
