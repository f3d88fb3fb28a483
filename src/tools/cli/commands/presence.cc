// presence.
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/presence_view.h"

namespace godwit::cli {
namespace {

constexpr std::uint32_t kPage = 1000;

std::vector<ChatRef> all_contacts(CommandSession& session) {
  std::vector<ChatRef> users;
  v1::ClientFrame frame;
  frame.mutable_list_contacts()->set_limit(kPage);
  for (;;) {
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kContacts, Retry::yes);
    const v1::Contacts& page = reply.contacts();
    for (const v1::Contact& contact : page.contacts()) users.emplace_back(UserId(contact.user_id()));
    if (!page.more() || page.contacts().empty()) return users;
    frame.mutable_list_contacts()->set_after(page.contacts(page.contacts_size() - 1).user_id());
  }
}

void show_news(PresenceView& view, News& news) {
  while (!news.empty()) view.take(news.take());
  if (view.expired()) view.take_expired();
}

}  // namespace

ExitCode run_presence(Context& context, const std::vector<std::string>& names, bool watch) {
  const auto profile = open_account(context);
  News news;
  PresenceView* again = nullptr;
  ClientEvents events;
  events.live = [&news](const v1::ServerFrame& push) { news.add(push); };
  events.connected = [&again] {
    if (again != nullptr) again->watch_again();
  };
  CommandSession session(context, *profile, Login::device, std::move(events));
  if (watch) session.client().set_presence(v1::ONLINE);
  session.connect();
  std::vector<ChatRef> chats;
  for (const std::string& name : names) chats.push_back(session.find_chat(name).chat);
  if (names.empty()) chats = all_contacts(session);
  if (chats.empty()) throw CommandError(ExitCode::usage, "usage", "no contacts: say whose presence");
  PresenceView view(session, news);
  again = &view;
  view.watch(chats);
  session.wait([&] { return !news.empty() || view.refused(); }, session.deadline(), "answer");
  if (view.refused()) throw CommandError(*view.refused());
  show_news(view, news);
  while (watch) {
    const auto stirs = [&] { return !news.empty() || view.expired() || session.client().failure(); };
    if (!context.loop.run_until(stirs, kNoDeadline)) break;
    if (session.client().failure()) throw CommandError(*session.client().failure());
    show_news(view, news);
  }
  again = nullptr;
  session.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli
