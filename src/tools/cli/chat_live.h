// What goes on in a conversation besides messages: who is there and who types, statuses, calls. For `chat`.
#pragma once

#include <string>

#include "tools/cli/call_desk.h"
#include "tools/cli/command_session.h"
#include "tools/cli/news.h"
#include "tools/cli/presence_view.h"

namespace godwit::cli {

inline constexpr std::string_view kLiveHelp =
    "/idle /away     not at the keyboard   /here            back again\n"
    "/typing [recording|stopped]           until the next message, or a minute\n"
    "/status [N]     open a status         /reply N TEXT    answer it\n"
    "/post TEXT      post a status         /call [video]    call, or join the group's call\n"
    "/answer         take a call           /reject /busy    do not\n"
    "/hangup         end the call";

class ChatLive {
 public:
  // All outlive it.
  ChatLive(CommandSession& session, News& news, Conversation with);

  // Watches those in the chat.
  void begin();
  // The connection is back. May be called by handlers.
  void resume();
  bool has_news() const { return !news_.empty() || presence_.expired(); }
  void show_news();
  // False when there is no such command. Throws CommandError.
  bool command(const std::string& verb, const std::string& argument);
  void message_came(const ChatRef& chat, UserId from) { presence_.message_came(chat, from); }
  // Typing is over.
  void message_sent() { typing_timer_.cancel(); }
  // Ends a call, on the way out.
  void leave() { calls_.leave(); }

 private:
  void tell_typing(const std::string& word);
  void send_typing(v1::TypingState state);
  void repeat_typing(v1::TypingState state, int times);
  void set_presence(v1::PresenceState state, const char* text);
  void open(const std::string& which);
  void reply(const std::string& argument);
  void tell_group_call();

  CommandSession& session_;
  News& news_;
  const Conversation with_;
  PresenceView presence_;
  CallDesk calls_;
  Timer typing_timer_;
};

}  // namespace godwit::cli
