// delete, timer, trace.
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "godwit/clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/duration.h"
#include "tools/cli/format.h"
#include "tools/cli/group_text.h"
#include "tools/cli/group_view.h"
#include "tools/cli/sanitize.h"
#include "tools/cli/trace_text.h"

namespace godwit::cli {
namespace {

// In a group the timer is one of its settings.
void set_group_timer(CommandSession& session, const Conversation& group, std::uint32_t ttl_s) {
  v1::ClientFrame frame;
  frame.mutable_get_group()->set_chat(group.chat.group.str());
  frame.mutable_get_group()->set_limit(1);
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kGroup, Retry::yes);
  v1::ChangeGroup change;
  *change.mutable_settings() = reply.group().settings();
  change.mutable_settings()->set_ttl_s(ttl_s);
  change.set_if_version(reply.group().version());
  const std::string done = settings_text(change.settings());
  change_group(session, group, std::move(change), done);
}

void set_direct_timer(CommandSession& session, const Conversation& with, std::uint32_t ttl_s) {
  v1::ClientFrame frame;
  v1::SetTimer& request = *frame.mutable_set_timer();
  request.set_id(make_message_id(session.client().server_now_ms()).str());
  request.set_peer(with.chat.peer.value);
  request.set_ttl_s(ttl_s);
  session.call(frame, v1::ServerFrame::kDone, Retry::yes);
  session.out().result(
      with.name + ": " +
          (ttl_s == 0 ? "messages stay" : "messages disappear after " + format_duration(ttl_s)),
      {{"type", "timer"}, {"chat", with.name}, {"ttl_s", ttl_s}});
}

}  // namespace

ExitCode run_delete(Context& context, const std::string& name, std::uint64_t chat_seq, bool everyone) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  remove_message(session, session.find_chat(name), chat_seq, everyone);
  session.close();
  return ExitCode::ok;
}

ExitCode run_timer(Context& context, const std::string& name, const std::string& time) {
  const auto ttl_s = parse_duration(time);
  if (!ttl_s) throw CommandError(ExitCode::usage, "usage", "not a time like 30m, 1d or off: " + time);
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const Conversation with = session.find_chat(name);
  if (with.chat.is_group()) {
    set_group_timer(session, with, *ttl_s);
  } else {
    set_direct_timer(session, with, *ttl_s);
  }
  session.close();
  return ExitCode::ok;
}

ExitCode run_trace(Context& context, const std::string& name, const std::string& id) {
  const auto message = parse_uuid(id);
  if (!message) throw CommandError(ExitCode::usage, "usage", "not a message id, as `send` tells it: " + id);
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const Conversation with = session.find_chat(name);
  v1::ClientFrame frame;
  set_chat(*frame.mutable_trace_message(), with.chat);
  frame.mutable_trace_message()->set_id(message->str());
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kMessageTrace, Retry::yes);
  const auto name_of = [&](UserId user) { return session.name_of(user); };
  for (const TraceStep& step : trace_steps(reply.message_trace(), *message, name_of)) {
    const std::string when = step.time_ms > 1 ? format_exact_time(step.time_ms) : std::string(kNoTime);
    session.out().result(when + "  " + step.text, {{"type", "trace"},
                                                   {"time_ms", step.time_ms},
                                                   {"step", step.name},
                                                   {"user", step.user},
                                                   {"device_id", step.device},
                                                   {"text", step.text}});
  }
  session.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli
