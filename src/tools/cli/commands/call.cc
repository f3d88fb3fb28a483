// call, calls.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "tools/cli/call_desk.h"
#include "tools/cli/call_text.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/line_reader.h"

namespace godwit::cli {
namespace {

constexpr std::string_view kCallsHelp = "a answers, r rejects, b says busy, h hangs up, q leaves";

// A connection at which calls are placed or awaited, with the keyboard beside it.
class CallLine {
 public:
  explicit CallLine(Context& context, Profile& profile)
      : context_(context),
        session_(context, profile, Login::device, events()),
        desk_(session_, news_, "a answers, r rejects, b says busy") {
    session_.client().set_presence(v1::ONLINE);
    session_.connect();
    lines_ = std::make_unique<LineReader>(context.loop, STDIN_FILENO);
  }

  CommandSession& session() { return session_; }
  CallDesk& desk() { return desk_; }

  // Shows what happens, until a line comes (true), or `done`, a signal or the deadline (false).
  bool await_line(const std::function<bool()>& done, Deadline deadline) {
    for (;;) {
      while (!news_.empty()) desk_.take(news_.take());
      if (done()) return false;
      if (lines_->has_line()) return true;
      const auto stirs = [this] {
        return !news_.empty() || lines_->has_line() || session_.client().failure().has_value();
      };
      if (!context_.loop.run_until(stirs, deadline)) return false;
      if (session_.client().failure()) throw CommandError(*session_.client().failure());
    }
  }
  std::string take_line() { return lines_->take(); }
  // A call that goes on is ended.
  void close() {
    desk_.leave();
    lines_.reset();
    session_.close();
  }

 private:
  ClientEvents events() {
    ClientEvents events;
    events.live = [this](const v1::ServerFrame& push) { news_.add(push); };
    events.connected = [this] { desk_.resume(); };
    return events;
  }

  Context& context_;
  News news_;
  CommandSession session_;
  CallDesk desk_;
  std::unique_ptr<LineReader> lines_;
};

void take_key(CallLine& line, const std::string& key, bool& quit) {
  try {
    if (key == "a") {
      line.desk().answer();
    } else if (key == "r") {
      line.desk().decline(v1::REJECTED);
    } else if (key == "b") {
      line.desk().decline(v1::BUSY);
    } else if (key == "h") {
      line.desk().hang_up();
    } else if (key == "q") {
      quit = true;
    } else if (!key.empty()) {
      line.session().out().note(kCallsHelp);
    }
  } catch (const CommandError& e) {
    if (e.failure.exit == ExitCode::interrupted || line.session().client().failure()) throw;
    line.session().out().note(e.failure.name + ": " + e.failure.text);
  }
}

}  // namespace

ExitCode run_call(Context& context, const CallOptions& options) {
  const auto profile = open_account(context);
  CallLine line(context, *profile);
  CommandSession& session = line.session();
  const Conversation with =
      options.group ? session.find_group(options.with) : session.find_chat(options.with);
  CallDesk& desk = line.desk();
  desk.place(with, options.video ? v1::VIDEO : v1::AUDIO);
  context.out.note("Enter hangs up");
  const auto over = [&] { return desk.own() == nullptr; };
  const auto active = [&] { return over() || desk.own()->active_since.has_value(); };
  bool hung_up = line.await_line(active, kNoDeadline);
  if (!hung_up && !over() && !context.loop.interrupted()) {
    const Deadline until = options.seconds == 0
                               ? kNoDeadline
                               : std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
    line.await_line(over, until);
  }
  const bool ended_by_other_side = over();
  line.close();
  const v1::CallEndReason end = desk.last_end();
  if (!ended_by_other_side || end == v1::HUNG_UP) return ExitCode::ok;
  throw CommandError(ExitCode::server, std::string(call_end_name(end)),
                     "the call is over: " + std::string(call_end_text(end)));
}

ExitCode run_calls(Context& context, const CallOptions& options) {
  const auto profile = open_account(context);
  CallLine line(context, *profile);
  CallDesk& desk = line.desk();
  context.out.note("waiting for calls: " + std::string(kCallsHelp));
  bool quit = false;
  const auto enough = [&] { return options.count != 0 && desk.ended() >= options.count; };
  const auto stop = [&] { return enough() || (options.answer && desk.own() == nullptr && desk.rings()); };
  while (!quit && !enough()) {
    if (line.await_line(stop, kNoDeadline)) {
      take_key(line, line.take_line(), quit);
    } else if (context.loop.interrupted()) {
      break;
    } else if (!enough()) {
      take_key(line, "a", quit);
    }
  }
  line.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli
