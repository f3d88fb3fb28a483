// Presence and typing, as `presence` and `chat` show them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/cli/command_session.h"
#include "tools/cli/news.h"
#include "tools/cli/presence_text.h"

namespace godwit::cli {

// Watches users and members of groups, and shows how they are and what changes. What the server says comes
// through the news, so that it can be asked for while the connection comes back.
class PresenceView {
 public:
  // Both outlive it.
  PresenceView(CommandSession& session, News& news)
      : session_(session), news_(news), timer_(session.context().loop) {}

  void watch(const std::vector<ChatRef>& chats);
  // Watches anew what was watched, after the connection was lost. May be called by handlers.
  void watch_again();
  // Why the server does not tell them.
  const std::optional<Failure>& refused() const { return refused_; }

  // Shows what is new in a push of presence or typing; false when it is another.
  bool take(const v1::ServerFrame& push);
  // Notices that were not repeated.
  bool expired() const { return due_; }
  void take_expired();
  // A message has come, so its sender types no more.
  void message_came(const ChatRef& chat, UserId from) { typing_.forget({chat, from}); }

 private:
  void show(const v1::Presence& presence, bool first);
  void show_typing(const ChatRef& chat, UserId user, v1::TypingState state);
  void await_expiry();

  CommandSession& session_;
  News& news_;
  std::vector<ChatRef> watched_;
  bool answered_ = false;  // the first presences are known
  std::optional<Failure> refused_;
  PresenceBook book_;
  TypingBoard typing_;
  Timer timer_;
  bool due_ = false;
};

}  // namespace godwit::cli
