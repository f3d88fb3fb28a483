// Presence and typing in words, and what is known of both, so that only changes are told.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "godwit.pb.h"
#include "tools/cli/chat_ref.h"

namespace godwit::cli {

// "online", "idle", "offline" or "hidden": for programs.
std::string_view presence_name(v1::PresenceState state);
// "typing", "recording" or "stopped": for programs.
std::string_view typing_name(v1::TypingState state);

// How somebody is: "online", "idle", "offline, last seen 14:05", "offline", "not told".
std::string presence_text(const v1::Presence& presence, std::int64_t now_ms);
// What they did: "is online", "is idle", "has left, last seen 14:05".
std::string presence_change_text(const v1::Presence& presence, std::int64_t now_ms);
// "is typing", "is recording" or "has stopped typing".
std::string_view typing_text(v1::TypingState state);

// The last presence told of each user. At most kMaxUsers; what is beyond always counts as a change.
class PresenceBook {
 public:
  static constexpr std::size_t kMaxUsers = 10'000;

  // True when the user was not known, or the state differs from the one known.
  bool learn(const v1::Presence& presence);
  const std::map<UserId, v1::Presence>& known() const { return known_; }

 private:
  std::map<UserId, v1::Presence> known_;
};

// Who is typing where at the moment. At most kMaxTyping; further ones are not noticed.
class TypingBoard {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Who = std::pair<ChatRef, UserId>;
  static constexpr std::size_t kMaxTyping = 1000;

  // True when this is news: they have begun, changed to the other, or stopped.
  bool learn(const v1::TypingNotice& notice, Time now);
  // A message of theirs has come: nothing to tell any more.
  void forget(const Who& who) { typing_.erase(who); }
  // Those whose notice was not repeated in time, who are forgotten now.
  std::vector<std::pair<Who, v1::TypingState>> expire(Time now);
  // When the next of them expires.
  std::optional<Time> next_expiry() const;

 private:
  struct Typing {
    v1::TypingState state;
    Time until;
  };
  std::map<Who, Typing> typing_;
};

// The chat that a notice is of.
ChatRef chat_of(const v1::TypingNotice& notice);

}  // namespace godwit::cli
