// history.
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/message_view.h"

namespace godwit::cli {
namespace {

void show_local(CommandSession& session, const HistoryOptions& options) {
  const ChatRef chat = session.find_chat(options.with).chat;
  for (const MessageView& view : local_history(session, chat, {options.before, options.limit})) {
    session.out().result(message_line(view), message_json(view));
  }
}

void show_page(CommandSession& session, const HistoryOptions& options) {
  const ChatRef chat = session.find_chat(options.with).chat;
  v1::ClientFrame frame;
  v1::History& request = *frame.mutable_history();
  set_chat(request, chat);
  request.set_before(options.before);
  request.set_limit(options.limit);
  const auto reply = session.call(frame, v1::ServerFrame::kHistoryPage, Retry::yes);
  const v1::HistoryPage& page = reply.history_page();
  for (const v1::Envelope& envelope : page.envelopes()) {
    const MessageView view = view_message(session, envelope, chat);
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

}  // namespace godwit::cli
