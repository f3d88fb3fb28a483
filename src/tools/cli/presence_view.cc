#include "tools/cli/presence_view.h"

#include <nlohmann/json.hpp>

#include "godwit/clock.h"
#include "tools/cli/message_view.h"

namespace godwit::cli {
namespace {

using std::chrono::steady_clock;

}  // namespace

void PresenceView::watch(const std::vector<ChatRef>& chats) {
  watched_ = chats;
  watch_again();
}

void PresenceView::watch_again() {
  if (watched_.empty()) return;
  v1::ClientFrame frame;
  for (const ChatRef& chat : watched_) {
    if (chat.is_group()) {
      frame.mutable_watch_presence()->add_add_members_of(chat.group.str());
    } else {
      frame.mutable_watch_presence()->add_add(chat.peer.value);
    }
  }
  session_.client().request(frame, [this](const v1::ServerFrame* reply, const Failure* failure) {
    if (reply != nullptr) return news_.add(*reply);
    if (failure->exit != ExitCode::server) return;  // asked again when the connection is back
    refused_ = *failure;
  });
}

bool PresenceView::take(const v1::ServerFrame& push) {
  if (push.has_presences()) {
    const bool first = !answered_;
    answered_ = true;
    for (const v1::Presence& presence : push.presences().presences()) show(presence, first);
    return true;
  }
  if (!push.has_typing_notice()) return false;
  const v1::TypingNotice& notice = push.typing_notice();
  if (typing_.learn(notice, steady_clock::now())) {
    show_typing(chat_of(notice), UserId(notice.from()), notice.state());
  }
  await_expiry();
  return true;
}

void PresenceView::show(const v1::Presence& presence, bool first) {
  const UserId user(presence.user_id());
  if (!book_.learn(presence) || user == session_.self()) return;
  const std::string name = session_.name_of(user);
  const std::int64_t now_ms = SystemClock().wall_ms();
  const std::string text = first ? name + ": " + presence_text(presence, now_ms)
                                 : name + " " + presence_change_text(presence, now_ms);
  session_.out().result(text, {{"type", "presence"},
                               {"user", name},
                               {"user_id", std::to_string(user.value)},
                               {"state", presence_name(presence.state())},
                               {"last_seen_ms", presence.last_seen_ms()}});
}

void PresenceView::show_typing(const ChatRef& chat, UserId user, v1::TypingState state) {
  const std::string name = session_.name_of(user);
  const std::string chat_name = session_.chat_name(chat);
  nlohmann::ordered_json out = {{"type", "typing"}, {"chat", chat_name}};
  add_chat(out, chat);
  out["user"] = name;
  out["user_id"] = std::to_string(user.value);
  out["state"] = typing_name(state);
  const std::string where = chat.is_group() ? " in " + chat_name : "";
  session_.out().result("  " + name + " " + std::string(typing_text(state)) + where, out);
}

void PresenceView::await_expiry() {
  const auto next = typing_.next_expiry();
  if (!next) return timer_.cancel();
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - steady_clock::now());
  timer_.start(std::max(wait, std::chrono::milliseconds(1)), [this] { due_ = true; });
}

void PresenceView::take_expired() {
  due_ = false;
  for (const auto& [who, state] : typing_.expire(steady_clock::now())) {
    show_typing(who.first, who.second, v1::STOPPED);
  }
  await_expiry();
}

}  // namespace godwit::cli
