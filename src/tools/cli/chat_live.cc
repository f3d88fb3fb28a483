#include "tools/cli/chat_live.h"

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "tools/cli/compose.h"
#include "tools/cli/status_view.h"

namespace godwit::cli {
namespace {

// Less than a receiver remembers; at most a minute in all.
constexpr std::chrono::seconds kTypingInterval{3};
constexpr int kTypingRepeats = 20;

}  // namespace

ChatLive::ChatLive(CommandSession& session, News& news, Conversation with)
    : session_(session),
      news_(news),
      with_(std::move(with)),
      presence_(session, news),
      calls_(session, news, "/answer, /reject or /busy"),
      typing_timer_(session.context().loop) {}

void ChatLive::begin() {
  presence_.watch({with_.chat});
  if (with_.chat.is_group()) tell_group_call();
}

void ChatLive::resume() {
  presence_.watch_again();
  calls_.resume();
}

// A call that has begun before we came.
void ChatLive::tell_group_call() {
  v1::ClientFrame frame;
  set_chat(*frame.mutable_get_call(), with_.chat);
  try {
    const v1::ServerFrame reply = session_.call(frame, v1::ServerFrame::kCallState, Retry::yes);
    session_.out().note("there is a call in " + with_.name + ", with " +
                        std::to_string(reply.call_state().participants_size()) + " in it: /call joins");
  } catch (const CommandError& e) {
    if (e.failure.exit != ExitCode::server) throw;  // there is none
  }
}

void ChatLive::show_news() {
  while (!news_.empty()) {
    const v1::ServerFrame push = news_.take();
    if (presence_.take(push) || calls_.take(push)) continue;
    show_status_news(session_, push, with_.chat.peer);
  }
  if (presence_.expired()) presence_.take_expired();
}

bool ChatLive::command(const std::string& verb, const std::string& argument) {
  if (verb == "/typing") {
    tell_typing(argument);
  } else if (verb == "/idle") {
    set_presence(v1::IDLE, "you are idle");
  } else if (verb == "/away") {
    set_presence(v1::OFFLINE, "you are away: others see you as offline");
  } else if (verb == "/here") {
    set_presence(v1::ONLINE, "you are online");
  } else if (verb == "/call") {
    calls_.place(with_, argument == "video" ? v1::VIDEO : v1::AUDIO);
  } else if (verb == "/answer") {
    calls_.answer();
  } else if (verb == "/reject") {
    calls_.decline(v1::REJECTED);
  } else if (verb == "/busy") {
    calls_.decline(v1::BUSY);
  } else if (verb == "/hangup") {
    calls_.hang_up();
  } else if (verb == "/status") {
    open(argument);
  } else if (verb == "/post") {
    post_status(session_, v1::STATUS_AS_SET, {}, argument);
  } else if (verb == "/reply") {
    reply(argument);
  } else {
    return false;
  }
  return true;
}

void ChatLive::set_presence(v1::PresenceState state, const char* text) {
  session_.client().set_presence(state);
  session_.out().note(text);
}

void ChatLive::tell_typing(const std::string& word) {
  if (!word.empty() && word != "recording" && word != "stopped") {
    throw CommandError(ExitCode::usage, "usage", "/typing, /typing recording or /typing stopped");
  }
  typing_timer_.cancel();
  if (word == "stopped") return send_typing(v1::STOPPED);
  repeat_typing(word == "recording" ? v1::RECORDING : v1::TYPING, kTypingRepeats);
}

void ChatLive::repeat_typing(v1::TypingState state, int times) {
  send_typing(state);
  if (times > 1) typing_timer_.start(kTypingInterval, [=, this] { repeat_typing(state, times - 1); });
}

void ChatLive::send_typing(v1::TypingState state) {
  v1::ClientFrame frame;
  set_chat(*frame.mutable_typing(), with_.chat);
  frame.mutable_typing()->set_state(state);
  session_.client().request(frame, [this](const v1::ServerFrame*, const Failure* failure) {
    if (failure == nullptr || failure->exit == ExitCode::connection) return;
    typing_timer_.cancel();
    session_.out().note("the others are not told: " + failure->name);
  });
}

void ChatLive::open(const std::string& which) {
  if (with_.chat.is_group())
    throw CommandError(ExitCode::usage, "usage", "users have statuses, groups do not");
  if (!which.empty())
    return open_status(session_, with_.chat.peer, find_status(session_, with_.chat.peer, which));
  bool any = false;
  for (const ListedStatus& status : list_feed(session_, true)) {
    if (status.author != with_.chat.peer) continue;
    any = true;
    if (status.number == 1) {
      open_status(session_, status.author, status.id);
    } else {
      show_listed(session_, status);
    }
  }
  if (!any) session_.out().note(with_.name + " has no status that you may see");
}

void ChatLive::reply(const std::string& argument) {
  const std::size_t space = argument.find(' ');
  if (with_.chat.is_group() || space == std::string::npos) {
    throw CommandError(ExitCode::usage, "usage", "/reply N TEXT, in the chat with the author");
  }
  const MessageId status = find_status(session_, with_.chat.peer, argument.substr(0, space));
  const MessageId id = make_message_id(session_.client().server_now_ms());
  enqueue(session_, compose_reply(session_, with_.chat, id, argument.substr(space + 1), status));
}

}  // namespace godwit::cli
