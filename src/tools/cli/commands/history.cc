// history, receipts.
#include <nlohmann/json.hpp>
#include <optional>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/format.h"
#include "tools/cli/message_view.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::chrono::milliseconds kReceiptGrace{300};

// Without a connection only names seen before are known.
std::optional<UserId> find_locally(const Profile& profile, const std::string& name) {
  if (const auto id = parse_user_id(name)) return *id;
  for (const auto& [user, handle] : profile.state.handles) {
    if (handle == name) return user;
  }
  return std::nullopt;
}

// The chat with a deleted account is still there for whoever has met it.
Contact find_chat(CommandSession& session, const std::string& name) {
  try {
    return session.find_user(name);
  } catch (const CommandError& e) {
    if (e.failure.name != "user_not_found") throw;
    const auto known = find_locally(session.profile(), name);
    if (!known) throw;
    return {*known, name};
  }
}

void show_local(CommandSession& session, const HistoryOptions& options) {
  const auto peer = find_locally(session.profile(), options.with);
  if (!peer) throw CommandError(ExitCode::usage, "user_not_found", "this device has not met " + options.with);
  for (const MessageView& view : local_history(session, *peer, {options.before, options.limit})) {
    session.out().result(message_line(view), message_json(view));
  }
}

void show_page(CommandSession& session, const HistoryOptions& options) {
  const Contact contact = find_chat(session, options.with);
  v1::ClientFrame frame;
  v1::History& request = *frame.mutable_history();
  request.set_peer(contact.user.value);
  request.set_before(options.before);
  request.set_limit(options.limit);
  const auto reply = session.call(frame, v1::ServerFrame::kHistoryPage, Retry::yes);
  const v1::HistoryPage& page = reply.history_page();
  for (const v1::Envelope& envelope : page.envelopes()) {
    const MessageView view = view_message(session, envelope, contact.user);
    session.out().result(message_line(view), message_json(view));
  }
  if (session.out().json()) {
    session.out().emit({{"type", "page"}, {"chat_end", page.chat_end()}, {"more", page.more()}});
  } else if (page.more() && page.envelopes_size() > 0) {
    session.out().note("there is more: --before " + std::to_string(page.envelopes(0).chat_seq()));
  }
}

}  // namespace

ExitCode run_history(Context& context, const HistoryOptions& options) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  if (options.local) {
    show_local(session, options);
    return ExitCode::ok;
  }
  session.connect();
  show_page(session, options);
  session.close();
  return ExitCode::ok;
}

ExitCode run_receipts(Context& context, const std::string& name) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const Contact contact = find_chat(session, name);
  // Positions that moved while we were away come with what was missed; a moment more for the last of them.
  session.wait([&] { return session.client().caught_up(); }, session.deadline(), "end of the inbox");
  context.loop.run_until([] { return false; }, std::chrono::steady_clock::now() + kReceiptGrace);
  const ChatState chat = profile->state.chats[contact.user];
  session.close();
  context.out.result(sanitize(contact.handle) + ": delivered up to " + std::to_string(chat.peer_delivered) +
                         ", read up to " + std::to_string(chat.peer_read) + "; you: read up to " +
                         std::to_string(chat.own_read) + " of " + std::to_string(chat.last_chat_seq),
                     {{"type", "receipts"},
                      {"chat", contact.handle},
                      {"chat_user_id", std::to_string(contact.user.value)},
                      {"last", chat.last_chat_seq},
                      {"delivered", chat.peer_delivered},
                      {"read", chat.peer_read},
                      {"own_delivered", chat.own_delivered},
                      {"own_read", chat.own_read}});
  return ExitCode::ok;
}

}  // namespace godwit::cli
