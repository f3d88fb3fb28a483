// receive.
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/message_view.h"

namespace godwit::cli {
namespace {

class Receiver {
 public:
  Receiver(CommandSession& session, const ReceiveOptions& options)
      : session_(session), options_(options), left_(options.count == 0 ? ~std::uint64_t{0} : options.count) {}

  // Shows what has come; true when that was all that is wanted.
  bool show() {
    const std::size_t shown = show_new(session_, left_, [this](const MessageView& view) {
      session_.out().result(message_line(view), message_json(view));
      if (options_.mark_read && !view.outgoing) session_.client().mark_read(view.chat, view.chat_seq);
    });
    left_ -= shown;
    total_ += shown;
    return left_ == 0;
  }
  // There is something that was not shown.
  bool pending() { return session_.profile().store().size() > session_.profile().state.printed_offset; }
  std::uint64_t total() const { return total_; }

 private:
  CommandSession& session_;
  const ReceiveOptions& options_;
  std::uint64_t left_;
  std::uint64_t total_ = 0;
};

// Until `wanted` is shown or the time is over. False when a signal or the deadline came first.
bool receive_until(CommandSession& session, Receiver& receiver, const std::function<bool()>& enough,
                   Deadline deadline) {
  EventLoop& loop = session.context().loop;
  for (;;) {
    if (receiver.show() || enough()) return true;
    const auto news = [&] { return receiver.pending() || session.client().failure() || enough(); };
    if (!loop.run_until(news, deadline)) return false;
    if (session.client().failure() && !receiver.pending()) throw CommandError(*session.client().failure());
  }
}

}  // namespace

ExitCode run_receive(Context& context, const ReceiveOptions& options) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  if (options.follow) session.client().set_presence(v1::ONLINE);
  session.connect();
  Receiver receiver(session, options);
  bool complete = true;
  if (options.follow) {
    receive_until(
        session, receiver, [] { return false; }, kNoDeadline);
  } else if (options.count > 0) {
    const Deadline deadline = options.timeout_s > 0
                                  ? std::chrono::steady_clock::now() + std::chrono::seconds(options.timeout_s)
                                  : session.deadline();
    complete = receive_until(
        session, receiver, [] { return false; }, deadline);
  } else {
    // Everything that waits, and with --timeout at least one, if one comes in that time.
    const auto caught_up = [&] { return session.client().caught_up() && !receiver.pending(); };
    complete = receive_until(session, receiver, caught_up, session.deadline());
    if (complete && receiver.total() == 0 && options.timeout_s > 0) {
      const Deadline deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options.timeout_s);
      complete = receive_until(
          session, receiver, [&] { return receiver.total() > 0; }, deadline);
    }
  }
  if (options.mark_read && session.client().ready()) {
    session.wait([&] { return session.client().reads_settled(); }, session.deadline(),
                 "acknowledgement of Read");
  }
  session.close();
  if (context.loop.interrupted()) return options.follow ? ExitCode::ok : ExitCode::interrupted;
  if (!complete) throw CommandError(ExitCode::timeout, "timeout", "not enough messages in time");
  return ExitCode::ok;
}

}  // namespace godwit::cli
