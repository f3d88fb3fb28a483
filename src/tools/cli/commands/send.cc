// send.
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/compose.h"
#include "tools/cli/format.h"

namespace godwit::cli {
namespace {

// Messages of --lines that may wait at once.
constexpr std::size_t kLinesAhead = 64;

struct Progress {
  std::map<MessageId, v1::Sent> sent;
  std::map<MessageId, Failure> refused;
  Failure last_trouble{ExitCode::timeout, "timeout", "no acknowledgement in time"};
};

ClientEvents watch(Progress& progress, Output& out) {
  ClientEvents events;
  events.sent = [&progress](const OutgoingMessage& message, const v1::Sent& sent) {
    progress.sent[message.id] = sent;
  };
  events.send_failed = [&progress, &out](const OutgoingMessage& message, const Failure& failure, bool dropped) {
    if (dropped) progress.refused[message.id] = failure;
    progress.last_trouble = failure;
    out.note("message " + format_uuid(message.id) + (dropped ? " was refused: " : " waits: ") + failure.name);
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

// Waits for Sent; throws CommandError when the message is refused, or still waits at the deadline.
v1::Sent await_sent(CommandSession& session, Progress& progress, const MessageId& id, Deadline deadline) {
  try {
    session.wait([&] { return progress.sent.contains(id) || progress.refused.contains(id); }, deadline,
                 "acknowledgement");
  } catch (const CommandError& e) {
    session.out().note("message " + format_uuid(id) + " is kept and will be sent by the next command");
    if (e.failure.exit != ExitCode::timeout) throw;
    throw CommandError(session.client().ready() ? progress.last_trouble : session.client().last_problem());
  }
  const auto refused = progress.refused.find(id);
  if (refused != progress.refused.end()) throw CommandError(refused->second);
  return progress.sent.at(id);
}

void await_receipt(CommandSession& session, UserId peer, std::uint64_t chat_seq, WaitFor wait, Deadline deadline) {
  if (wait == WaitFor::sent) return;
  const ChatState& chat = session.profile().state.chats[peer];
  const std::uint64_t& position = wait == WaitFor::read ? chat.peer_read : chat.peer_delivered;
  const std::string what = wait == WaitFor::read ? "read" : "delivered";
  session.wait([&] { return position >= chat_seq; }, deadline, "'" + what + "' from the other side");
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
OutgoingMessage compose_once(CommandSession& session, const Contact& to, const SendOptions& options) {
  const MessageId id = chosen_id(session, options.id);
  if (!options.id.empty()) {
    auto earlier = session.profile().find_own(id);
    if (earlier && earlier->to == to.user) return std::move(*earlier);
  }
  return compose(session, to.user, id, joined(options.words));
}

void send_one(CommandSession& session, Progress& progress, const SendOptions& options) {
  const Contact to = session.find_user(options.to);
  const OutgoingMessage message = compose_once(session, to, options);
  const Deadline deadline = session.deadline();
  if (session.profile().outbox().find(message.id) == nullptr) enqueue(session, message);
  const v1::Sent sent = await_sent(session, progress, message.id, deadline);
  report(session.out(), message.id, sent);
  await_receipt(session, to.user, sent.chat_seq(), options.wait, deadline);
}

void send_lines(CommandSession& session, Progress& progress, const SendOptions& options) {
  const Contact to = session.find_user(options.to);
  std::vector<MessageId> ids;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    ids.push_back(make_message_id(session.client().server_now_ms()));
    enqueue(session, compose(session, to.user, ids.back(), line));
    const auto room = [&] { return session.profile().outbox().messages().size() < kLinesAhead; };
    session.wait(room, session.deadline(), "acknowledgement");
  }
  std::uint64_t last = 0;
  for (const MessageId& id : ids) {
    const v1::Sent sent = await_sent(session, progress, id, session.deadline());
    report(session.out(), id, sent);
    last = std::max(last, sent.chat_seq());
  }
  if (last != 0) await_receipt(session, to.user, last, options.wait, session.deadline());
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
  if (options.lines) {
    send_lines(session, progress, options);
  } else {
    send_one(session, progress, options);
  }
  session.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli
