// receipts.
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/receipt_view.h"

namespace godwit::cli {
namespace {

constexpr std::chrono::milliseconds kReceiptGrace{300};

}  // namespace

ExitCode run_receipts(Context& context, const std::string& name, std::uint64_t chat_seq) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const Conversation chat = session.find_chat(name);
  if (chat.chat.is_group()) {
    show_group_receipts(session, chat, chat_seq);
  } else {
    // Positions that moved while we were away come with what was missed; a moment more for the last of them.
    session.wait([&] { return session.client().caught_up(); }, session.deadline(), "end of the inbox");
    context.loop.run_until([] { return false; }, std::chrono::steady_clock::now() + kReceiptGrace);
    show_direct_receipts(session, chat);
  }
  session.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli
