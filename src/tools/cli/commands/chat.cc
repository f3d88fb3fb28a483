// chat: an interactive conversation with one user; everybody else's messages appear too.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/compose.h"
#include "tools/cli/device_view.h"
#include "tools/cli/format.h"
#include "tools/cli/line_reader.h"
#include "tools/cli/message_view.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::size_t kFirstLines = 10;
constexpr std::chrono::seconds kPeerRetry{2};
constexpr std::string_view kHelp =
    "/history [N]  earlier messages    /receipts  what has arrived\n"
    "/devices      your devices        /block     /unblock\n"
    "/quit         leave               //text     a message that begins with a slash";
constexpr std::string_view kNotice =
    "Messages are encrypted under the passphrase that you share with the other side (libsodium). This is a "
    "stand-in "
    "until real end-to-end encryption comes: no forward secrecy, and as strong as the passphrase.";

// How far the messages of this account in the chat have come, as it was shown.
struct Ticks {
  std::vector<std::uint64_t> sent;  // chat positions still without "read", ascending
  std::uint64_t delivered = 0;
  std::uint64_t read = 0;
};

// The last of `sent` at or below `position`, or 0.
std::uint64_t last_up_to(const std::vector<std::uint64_t>& sent, std::uint64_t position) {
  const auto end = std::upper_bound(sent.begin(), sent.end(), position);
  return end == sent.begin() ? 0 : *(end - 1);
}

class Chat {
 public:
  Chat(Context& context, Profile& profile)
      : context_(context), session_(context, profile, Login::device, events()) {}

  void run(const std::string& name);

 private:
  ClientEvents events();
  Contact await_peer(const std::string& name);
  void introduce();
  void on_sent(const OutgoingMessage& message, const v1::Sent& sent);
  void show_ticks();
  void show_messages();
  void take_line(const std::string& line);
  void command(const std::string& line);
  void show_history(const std::string& argument);
  void show_receipts();
  void set_block(bool lift);
  void drain();
  bool on_terminal() const {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && !context_.out.json();
  }
  bool interesting() {
    return lines_->has_line() || lines_->at_end() || session_.client().failure() ||
           session_.profile().store().size() > session_.profile().state.printed_offset;
  }

  Context& context_;
  CommandSession session_;
  Contact peer_;
  Ticks ticks_;
  std::unique_ptr<LineReader> lines_;
  bool quit_ = false;
};

ClientEvents Chat::events() {
  ClientEvents events;
  events.sent = [this](const OutgoingMessage& message, const v1::Sent& sent) { on_sent(message, sent); };
  events.receipts_moved = [this](UserId peer) {
    if (peer == peer_.user) show_ticks();
  };
  return events;
}

void Chat::on_sent(const OutgoingMessage& message, const v1::Sent& sent) {
  if (message.to != peer_.user) return;
  ticks_.sent.insert(std::upper_bound(ticks_.sent.begin(), ticks_.sent.end(), sent.chat_seq()),
                     sent.chat_seq());
  const MessageId& id = message.id;
  context_.out.result("  \u2713 sent #" + std::to_string(sent.chat_seq()),
                      {{"type", "sent"},
                       {"id", format_uuid(id)},
                       {"chat_seq", sent.chat_seq()},
                       {"time_ms", id.time_ms() + sent.time_delta_ms()},
                       {"durable", sent.durability() == v1::DURABLE}});
  show_ticks();
}

// One line, for the best news about our own messages.
void Chat::show_ticks() {
  const ChatState& chat = session_.profile().state.chats[peer_.user];
  const std::uint64_t delivered = last_up_to(ticks_.sent, chat.peer_delivered);
  const std::uint64_t read = last_up_to(ticks_.sent, chat.peer_read);
  const auto show = [&](const char* type, const std::string& text, std::uint64_t position) {
    context_.out.result(text + std::to_string(position), {{"type", type}, {"chat_seq", position}});
  };
  if (delivered > ticks_.delivered && (delivered > read || context_.out.json())) {
    show("delivered", "  \u2713\u2713 delivered #", delivered);
  }
  if (read > ticks_.read) {
    show("read", "  \u2713\u2713 read #", read);
    ticks_.sent.erase(ticks_.sent.begin(), std::upper_bound(ticks_.sent.begin(), ticks_.sent.end(), read));
  }
  ticks_.delivered = std::max({ticks_.delivered, delivered, read});
  ticks_.read = std::max(ticks_.read, read);
}

void Chat::show_messages() {
  show_new(session_, ~std::size_t{0}, [this](const MessageView& view) {
    const bool here = view.peer == peer_.user;
    const std::string line = here ? message_line(view) : "[elsewhere] " + message_line(view);
    context_.out.result(line, message_json(view));
    if (here && !view.outgoing) session_.client().mark_read(view.peer, view.chat_seq);
  });
}

void Chat::show_history(const std::string& argument) {
  std::uint32_t count = 50;
  std::from_chars(argument.data(), argument.data() + argument.size(), count);
  v1::ClientFrame frame;
  frame.mutable_history()->set_peer(peer_.user.value);
  frame.mutable_history()->set_limit(std::clamp(count, 1U, 200U));
  const auto reply = session_.call(frame, v1::ServerFrame::kHistoryPage, Retry::yes);
  for (const v1::Envelope& envelope : reply.history_page().envelopes()) {
    const MessageView view = view_message(session_, envelope, peer_.user);
    context_.out.result(message_line(view), message_json(view));
  }
}

void Chat::show_receipts() {
  const ChatState& chat = session_.profile().state.chats[peer_.user];
  context_.out.result("  delivered up to #" + std::to_string(chat.peer_delivered) + ", read up to #" +
                          std::to_string(chat.peer_read) + ", last #" + std::to_string(chat.last_chat_seq),
                      {{"type", "receipts"},
                       {"last", chat.last_chat_seq},
                       {"delivered", chat.peer_delivered},
                       {"read", chat.peer_read}});
}

void Chat::set_block(bool lift) {
  v1::ClientFrame frame;
  frame.mutable_block()->set_user_id(peer_.user.value);
  frame.mutable_block()->set_lift(lift);
  session_.call(frame, v1::ServerFrame::kDone, Retry::yes);
  context_.out.note(peer_.handle + (lift ? " is no longer blocked" : " is blocked"));
}

void Chat::command(const std::string& line) {
  const std::string verb = line.substr(0, line.find(' '));
  const std::string argument = verb.size() < line.size() ? line.substr(verb.size() + 1) : "";
  if (verb == "/quit" || verb == "/q") {
    quit_ = true;
  } else if (verb == "/history") {
    show_history(argument);
  } else if (verb == "/receipts") {
    show_receipts();
  } else if (verb == "/devices") {
    show_devices(session_);
  } else if (verb == "/block" || verb == "/unblock") {
    set_block(verb == "/unblock");
  } else if (verb == "/help") {
    context_.out.result(kHelp, {{"type", "help"}, {"text", kHelp}});
  } else {
    context_.out.note("no such command: " + verb + " (try /help)");
  }
}

// A command that fails says so; the conversation goes on.
void Chat::take_line(const std::string& line) {
  try {
    if (line.empty()) return context_.out.show_prompt();
    if (line.starts_with('/') && !line.starts_with("//")) return command(line);
    const MessageId id = make_message_id(session_.client().server_now_ms());
    enqueue(session_, compose(session_, peer_.user, id, line.starts_with('/') ? line.substr(1) : line));
    context_.out.show_prompt();
  } catch (const CommandError& e) {
    if (e.failure.exit == ExitCode::interrupted || session_.client().failure()) throw;
    context_.out.note(e.failure.name + ": " + e.failure.text);
  }
}

// Somebody at a terminal may well be here before the other side has registered.
Contact Chat::await_peer(const std::string& name) {
  for (bool told = false;; told = true) {
    try {
      return session_.find_user(name);
    } catch (const CommandError& e) {
      if (e.failure.name != "user_not_found" || !on_terminal()) throw;
      if (!told) context_.out.note("there is no " + name + " yet; waiting (Ctrl-C ends it)");
    }
    const auto stop = [this] { return session_.client().failure().has_value(); };
    context_.loop.run_until(stop, std::chrono::steady_clock::now() + kPeerRetry);
  }
}

void Chat::introduce() {
  context_.out.note(kNotice);
  const std::string handle = sanitize(peer_.handle);
  if (!on_terminal()) return;
  for (const MessageView& view : local_history(session_, peer_.user, {0, kFirstLines, true})) {
    context_.out.line(message_line(view));
  }
  context_.out.note("chat with " + handle + "; /help lists the commands");
  context_.out.set_prompt(handle + "> ");
  context_.out.show_prompt();
}

// Stays until what was typed is on the server.
void Chat::drain() {
  const auto empty = [this] { return session_.profile().outbox().messages().empty(); };
  if (!context_.loop.run_until(
          [&] { return (empty() && session_.client().reads_settled()) || session_.client().failure(); },
          session_.deadline()) ||
      !empty()) {
    context_.out.note(std::to_string(session_.profile().outbox().messages().size()) +
                      " messages are kept and will be sent by the next command");
  }
}

void Chat::run(const std::string& name) {
  session_.connect();
  peer_ = await_peer(name);
  session_.require_key_with(peer_.user);
  introduce();
  lines_ = std::make_unique<LineReader>(context_.loop, STDIN_FILENO);
  while (!quit_ && !lines_->at_end()) {
    show_messages();
    if (!context_.loop.run_until([this] { return interesting(); }, kNoDeadline)) break;
    if (session_.client().failure()) throw CommandError(*session_.client().failure());
    while (!quit_ && lines_->has_line()) take_line(lines_->take());
  }
  lines_.reset();
  context_.out.end_prompt();
  drain();
  session_.close();
}

}  // namespace

ExitCode run_chat(Context& context, const std::string& name) {
  const auto profile = open_account(context);
  Chat(context, *profile).run(name);
  return ExitCode::ok;
}

}  // namespace godwit::cli
