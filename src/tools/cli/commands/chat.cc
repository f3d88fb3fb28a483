// chat: an interactive conversation with one user or group; everybody else's messages appear too.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "godwit.pb.h"
#include "tools/cli/chat_live.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/compose.h"
#include "tools/cli/device_view.h"
#include "tools/cli/format.h"
#include "tools/cli/group_view.h"
#include "tools/cli/line_reader.h"
#include "tools/cli/message_view.h"
#include "tools/cli/receipt_view.h"

namespace godwit::cli {
namespace {

constexpr std::size_t kFirstLines = 10;
constexpr std::chrono::seconds kPeerRetry{2};
const std::string kHelp =
    "/history [N]    earlier messages      /receipts [SEQ]  what has arrived\n"
    "/delete SEQ     for everyone          /info            the group and its members\n"
    "/devices        your devices          /block           /unblock\n"
    "/quit           leave                 //text           a message that begins with a slash\n" +
    std::string(kLiveHelp);
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

std::optional<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class Chat {
 public:
  Chat(Context& context, Profile& profile)
      : context_(context), session_(context, profile, Login::device, events()) {}

  void run(const std::string& name);

 private:
  ClientEvents events();
  Conversation await_peer(const std::string& name);
  void introduce();
  void on_sent(const OutgoingMessage& message, const v1::Sent& sent);
  void show_ticks();
  void show_messages();
  void take_line(const std::string& line);
  void command(const std::string& line);
  void show_history(const std::string& argument);
  void show_receipts(const std::string& argument);
  void show_counts(const v1::ReceiptCounts& counts);
  void remove(const std::string& argument);
  void set_block(bool lift);
  void drain();
  bool on_terminal() const {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && !context_.out.json();
  }
  bool interesting() {
    return lines_->has_line() || live_->has_news() || lines_->at_end() || session_.client().failure() ||
           session_.profile().store().size() > session_.profile().state.printed_offset;
  }

  Context& context_;
  News news_;
  CommandSession session_;
  Conversation with_;
  Ticks ticks_;
  std::unique_ptr<LineReader> lines_;
  std::unique_ptr<ChatLive> live_;
  bool quit_ = false;
};

ClientEvents Chat::events() {
  ClientEvents events;
  events.sent = [this](const OutgoingMessage& message, const v1::Sent& sent) { on_sent(message, sent); };
  events.receipts_moved = [this](const ChatRef& chat) {
    if (chat == with_.chat) show_ticks();
  };
  events.receipt_counts = [this](const v1::ReceiptCounts& counts) { show_counts(counts); };
  events.live = [this](const v1::ServerFrame& push) { news_.add(push); };
  events.connected = [this] {
    if (live_) live_->resume();
  };
  return events;
}

void Chat::on_sent(const OutgoingMessage& message, const v1::Sent& sent) {
  if (message.to != with_.chat) return;
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
  if (with_.chat.is_group()) return;
  const ChatState& chat = session_.profile().state.chats[with_.chat];
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
    const bool here = view.chat == with_.chat;
    const std::string line = here ? message_line(view) : "[elsewhere] " + message_line(view);
    context_.out.result(line, message_json(view));
    live_->message_came(view.chat, view.from);
    if (here && !view.outgoing) session_.client().mark_read(view.chat, view.chat_seq);
  });
}

void Chat::show_history(const std::string& argument) {
  std::uint32_t count = 50;
  std::from_chars(argument.data(), argument.data() + argument.size(), count);
  v1::ClientFrame frame;
  set_chat(*frame.mutable_history(), with_.chat);
  frame.mutable_history()->set_limit(std::clamp(count, 1U, 200U));
  const auto reply = session_.call(frame, v1::ServerFrame::kHistoryPage, Retry::yes);
  for (const v1::Envelope& envelope : reply.history_page().envelopes()) {
    const MessageView view = view_message(session_, envelope, with_.chat);
    context_.out.result(message_line(view), message_json(view));
  }
}

void Chat::show_receipts(const std::string& argument) {
  if (with_.chat.is_group()) return show_group_receipts(session_, with_, number_of(argument).value_or(0));
  show_direct_receipts(session_, with_);
}

// People see the newest of our messages only, programs all.
void Chat::show_counts(const v1::ReceiptCounts& counts) {
  if (!with_.chat.is_group() || counts.chat() != with_.chat.group.view() || counts.counts().empty()) return;
  const auto by_position = [](const v1::ReceiptCount& a, const v1::ReceiptCount& b) {
    return a.chat_seq() < b.chat_seq();
  };
  if (!context_.out.json()) {
    const auto newest = std::max_element(counts.counts().begin(), counts.counts().end(), by_position);
    return show_receipt_count(context_.out, with_, *newest);
  }
  for (const v1::ReceiptCount& count : counts.counts()) show_receipt_count(context_.out, with_, count);
}

void Chat::remove(const std::string& argument) {
  const auto chat_seq = number_of(argument);
  if (!chat_seq) throw CommandError(ExitCode::usage, "usage", "which message? /delete SEQ");
  remove_message(session_, with_, *chat_seq, true);
}

void Chat::set_block(bool lift) {
  if (with_.chat.is_group())
    throw CommandError(ExitCode::usage, "usage", "users can be blocked, groups left");
  v1::ClientFrame frame;
  frame.mutable_block()->set_user_id(with_.chat.peer.value);
  frame.mutable_block()->set_lift(lift);
  session_.call(frame, v1::ServerFrame::kDone, Retry::yes);
  context_.out.note(with_.name + (lift ? " is no longer blocked" : " is blocked"));
}

void Chat::command(const std::string& line) {
  const std::string verb = line.substr(0, line.find(' '));
  const std::string argument = verb.size() < line.size() ? line.substr(verb.size() + 1) : "";
  if (verb == "/quit" || verb == "/q") {
    quit_ = true;
  } else if (verb == "/history") {
    show_history(argument);
  } else if (verb == "/receipts") {
    show_receipts(argument);
  } else if (verb == "/delete") {
    remove(argument);
  } else if (verb == "/info" && with_.chat.is_group()) {
    show_group(session_, with_);
  } else if (verb == "/devices") {
    show_devices(session_);
  } else if (verb == "/block" || verb == "/unblock") {
    set_block(verb == "/unblock");
  } else if (verb == "/help") {
    context_.out.result(kHelp, {{"type", "help"}, {"text", kHelp}});
  } else if (!live_->command(verb, argument)) {
    context_.out.note("no such command: " + verb + " (try /help)");
  }
}

// A command that fails says so; the conversation goes on.
void Chat::take_line(const std::string& line) {
  try {
    if (line.empty()) return context_.out.show_prompt();
    if (line.starts_with('/') && !line.starts_with("//")) return command(line);
    const MessageId id = make_message_id(session_.client().server_now_ms());
    enqueue(session_, compose(session_, with_.chat, id, line.starts_with('/') ? line.substr(1) : line));
    live_->message_sent();
    context_.out.show_prompt();
  } catch (const CommandError& e) {
    if (e.failure.exit == ExitCode::interrupted || session_.client().failure()) throw;
    context_.out.note(e.failure.name + ": " + e.failure.text);
  }
}

// Somebody at a terminal may well be here before the other side has registered.
Conversation Chat::await_peer(const std::string& name) {
  for (bool told = false;; told = true) {
    try {
      return session_.find_chat(name);
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
  if (!on_terminal()) return;
  for (const MessageView& view : local_history(session_, with_.chat, {0, kFirstLines, true})) {
    context_.out.line(message_line(view));
  }
  context_.out.note("chat with " + with_.name + "; /help lists the commands");
  context_.out.set_prompt(with_.name + "> ");
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
  session_.client().set_presence(v1::ONLINE);
  session_.connect();
  with_ = await_peer(name);
  session_.require_key_of(with_.chat);
  introduce();
  live_ = std::make_unique<ChatLive>(session_, news_, with_);
  live_->begin();
  lines_ = std::make_unique<LineReader>(context_.loop, STDIN_FILENO);
  while (!quit_ && !lines_->at_end()) {
    show_messages();
    live_->show_news();
    if (!context_.loop.run_until([this] { return interesting(); }, kNoDeadline)) break;
    if (session_.client().failure()) throw CommandError(*session_.client().failure());
    while (!quit_ && lines_->has_line()) take_line(lines_->take());
  }
  lines_.reset();
  context_.out.end_prompt();
  live_->leave();
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
