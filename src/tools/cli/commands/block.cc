// block, unblock, blocks, request accept, request refuse.
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {

ExitCode run_block(Context& context, const std::string& name, bool lift) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const Contact contact = session.find_user(name);
  v1::ClientFrame frame;
  frame.mutable_block()->set_user_id(contact.user.value);
  frame.mutable_block()->set_lift(lift);
  session.call(frame, v1::ServerFrame::kDone, Retry::yes);
  session.close();
  context.out.result(sanitize(contact.handle) + (lift ? " is no longer blocked" : " is blocked"),
                     {{"type", lift ? "unblocked" : "blocked"},
                      {"handle", contact.handle},
                      {"user_id", std::to_string(contact.user.value)}});
  return ExitCode::ok;
}

ExitCode run_blocks(Context& context) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  frame.mutable_list_blocks();
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kBlocks, Retry::yes);
  for (const std::uint64_t user : reply.blocks().users()) {
    const std::string name = session.name_of(UserId(user));
    session.out().result(name, {{"type", "blocked"}, {"handle", name}, {"user_id", std::to_string(user)}});
  }
  session.close();
  return ExitCode::ok;
}

ExitCode run_request(Context& context, const std::string& name, bool accept) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const Contact contact = session.find_user(name);
  v1::ClientFrame frame;
  frame.mutable_answer_request()->set_peer(contact.user.value);
  frame.mutable_answer_request()->set_accept(accept);
  session.call(frame, v1::ServerFrame::kDone, Retry::yes);
  session.close();
  context.out.result(sanitize(contact.handle) + (accept ? " may write to you" : " is refused"),
                     {{"type", accept ? "request_accepted" : "request_refused"},
                      {"handle", contact.handle},
                      {"user_id", std::to_string(contact.user.value)}});
  return ExitCode::ok;
}

}  // namespace godwit::cli
