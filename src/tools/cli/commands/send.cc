// send.
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/random.h"
#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/compose.h"
#include "tools/cli/format.h"
#include "tools/cli/line_reader.h"
#include "tools/cli/status_view.h"

namespace godwit::cli {
namespace {

// Messages of --lines that may wait at once.
constexpr std::size_t kLinesAhead = 64;

struct Progress {
  std::set<MessageId> waiting;                       // of this run; the outbox may hold others
  std::vector<std::pair<MessageId, v1::Sent>> sent;  // in the order of acknowledgement
  std::map<MessageId, Failure> refused;
  std::map<std::uint64_t, v1::ReceiptCount> counts;  // by position, of the group that is written to
  ChatRef chat;
  Failure last_trouble{ExitCode::timeout, "timeout", "no acknowledgement in time"};
};

ClientEvents watch(Progress& progress, Output& out) {
  ClientEvents events;
  events.sent = [&progress](const OutgoingMessage& message, const v1::Sent& sent) {
    if (progress.waiting.erase(message.id) > 0) progress.sent.emplace_back(message.id, sent);
  };
  events.send_failed = [&progress, &out](const OutgoingMessage& message, const Failure& failure,
                                         bool dropped) {
    if (dropped && progress.waiting.erase(message.id) > 0) progress.refused[message.id] = failure;
    progress.last_trouble = failure;
    out.note("message " + format_uuid(message.id) + (dropped ? " was refused: " : " waits: ") + failure.name);
  };
  events.receipt_counts = [&progress](const v1::ReceiptCounts& push) {
    if (!progress.chat.is_group() || push.chat() != progress.chat.group.view()) return;
    for (const v1::ReceiptCount& count : push.counts()) progress.counts[count.chat_seq()] = count;
  };
  return events;
}

void report(Output& out, const MessageId& id, const v1::Sent& sent) {
  const bool durable = sent.durability() == v1::DURABLE;
  out.result("sent " + format_uuid(id) + " as #" + std::to_string(sent.chat_seq()) +
                 (durable ? "" : " (buffered: a power failure at the server may lose it)"),
             {{"type", "sent"},
              {"id", format_uuid(id)},
              {"chat_seq", sent.chat_seq()},
              {"time_ms", id.time_ms() + sent.time_delta_ms()},
              {"durable", durable}});
}

// Throws CommandError when the acknowledgements do not come in time, with the best reason known.
void await(CommandSession& session, Progress& progress, const std::function<bool()>& done,
           Deadline deadline) {
  try {
    session.wait(done, deadline, "acknowledgement");
  } catch (const CommandError& e) {
    if (e.failure.exit != ExitCode::timeout) throw;
    throw CommandError(session.client().ready() ? progress.last_trouble : session.client().last_problem());
  }
}

// In a group: every member has it, or has read it.
bool all_have(const Progress& progress, std::uint64_t chat_seq, WaitFor wait) {
  const auto found = progress.counts.find(chat_seq);
  if (found == progress.counts.end()) return false;
  const v1::ReceiptCount& count = found->second;
  return (wait == WaitFor::read ? count.read() : count.delivered()) >= count.of();
}

void await_receipt(CommandSession& session, const Progress& progress, std::uint64_t chat_seq, WaitFor wait,
                   Deadline deadline) {
  if (wait == WaitFor::sent) return;
  const ChatState& chat = session.profile().state.chats[progress.chat];
  const std::uint64_t& position = wait == WaitFor::read ? chat.peer_read : chat.peer_delivered;
  const std::string what = wait == WaitFor::read ? "read" : "delivered";
  const auto done = [&] {
    return progress.chat.is_group() ? all_have(progress, chat_seq, wait) : position >= chat_seq;
  };
  session.wait(done, deadline, "'" + what + "' from the other side");
  session.out().result(what + " #" + std::to_string(chat_seq), {{"type", what}, {"chat_seq", chat_seq}});
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

MessageId chosen_id(CommandSession& session, const std::string& text) {
  if (text.empty()) return make_message_id(session.client().server_now_ms());
  const auto id = parse_uuid(text);
  if (!id) throw CommandError(ExitCode::usage, "usage", "not a version 7 UUID: " + text);
  return *id;
}

// The message under --id: the very bytes of the first attempt when there was one.
OutgoingMessage compose_once(CommandSession& session, const ChatRef& to, const SendOptions& options) {
  const MessageId id = chosen_id(session, options.id);
  if (!options.id.empty()) {
    auto earlier = session.profile().find_own(id);
    if (earlier && earlier->to == to) return std::move(*earlier);
  }
  const std::string text = joined(options.words);
  OutgoingMessage message =
      options.status.empty()
          ? compose(session, to, id, text)
          : compose_reply(session, to, id, text, find_status(session, to.peer, options.status));
  message.ttl_s = options.ttl_s;
  return message;
}

void send_one(CommandSession& session, Progress& progress, const SendOptions& options) {
  progress.chat = session.find_chat(options.to).chat;
  if (!options.status.empty() && progress.chat.is_group()) {
    throw CommandError(ExitCode::usage, "usage", "users have statuses, groups do not");
  }
  const OutgoingMessage message = compose_once(session, progress.chat, options);
  const Deadline deadline = session.deadline();
  progress.waiting.insert(message.id);
  if (session.profile().outbox().find(message.id) == nullptr) enqueue(session, message);
  await(
      session, progress, [&] { return progress.waiting.empty(); }, deadline);
  if (!progress.refused.empty()) throw CommandError(progress.refused.begin()->second);
  const v1::Sent& sent = progress.sent.front().second;
  report(session.out(), message.id, sent);
  await_receipt(session, progress, sent.chat_seq(), options.wait, deadline);
}

// Reports what was acknowledged; returns the highest position in the chat.
std::uint64_t report_all(CommandSession& session, Progress& progress) {
  std::uint64_t last = 0;
  for (const auto& [id, sent] : std::exchange(progress.sent, {})) {
    report(session.out(), id, sent);
    last = std::max(last, sent.chat_seq());
  }
  return last;
}

// A refused line does not keep the others; the first refusal is thrown at the end.
void send_lines(CommandSession& session, Progress& progress, const SendOptions& options) {
  progress.chat = session.find_chat(options.to).chat;
  session.require_key_of(progress.chat);
  LineReader lines(session.context().loop, STDIN_FILENO);
  std::optional<Failure> refusal;
  std::uint64_t last = 0;
  const auto take_stock = [&] {
    last = std::max(last, report_all(session, progress));
    if (!refusal && !progress.refused.empty()) refusal = progress.refused.begin()->second;
    progress.refused.clear();
  };
  while (!lines.at_end()) {
    session.wait([&] { return lines.has_line() || lines.at_end(); }, kNoDeadline, "line");
    if (!lines.has_line()) continue;
    const std::string line = lines.take();
    if (line.empty()) continue;
    const MessageId id = make_message_id(session.client().server_now_ms());
    OutgoingMessage message = compose(session, progress.chat, id, line);
    message.ttl_s = options.ttl_s;
    progress.waiting.insert(id);
    enqueue(session, message);
    await(
        session, progress, [&] { return progress.waiting.size() < kLinesAhead; }, session.deadline());
    take_stock();
  }
  await(
      session, progress, [&] { return progress.waiting.empty(); }, session.deadline());
  take_stock();
  if (refusal) throw CommandError(*refusal);
  if (last != 0) await_receipt(session, progress, last, options.wait, session.deadline());
}

}  // namespace

ExitCode run_send(Context& context, const SendOptions& options) {
  if (options.lines != options.words.empty() || (options.lines && !options.id.empty())) {
    throw CommandError(ExitCode::usage, "usage", "give either a text (and perhaps --id) or --lines");
  }
  const auto profile = open_account(context);
  Progress progress;
  CommandSession session(context, *profile, Login::device, watch(progress, context.out));
  session.connect();
  try {
    if (options.lines) {
      send_lines(session, progress, options);
    } else {
      send_one(session, progress, options);
    }
  } catch (const CommandError&) {
    const std::size_t kept = profile->outbox().messages().size();
    if (kept > 0)
      context.out.note(std::to_string(kept) + " messages are kept and will be sent by the next command");
    throw;
  }
  session.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli
