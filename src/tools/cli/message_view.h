// Messages as the user sees them.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/command_session.h"

namespace godwit::cli {

struct MessageView {
  ChatRef chat;
  std::string chat_name;  // sanitised, as all names
  std::string from_name;
  UserId from;
  bool outgoing = false;                // by this account, from whatever device
  std::optional<std::string> text;      // as it was written: not sanitised
  std::string problem;                  // why there is no text
  std::optional<MessageId> relates_to;  // the message or status that it answers
  bool on_status = false;               // `relates_to` is a status, as the sender says
  std::string gone;                     // "expired" or "removed": there is no text any more
  std::string event;  // what changed in the chat: a sentence, sanitised; then there is no text
  nlohmann::ordered_json event_json;
  std::int64_t time_ms = 0;  // of acceptance, by the server's clock
  MessageId id;
  std::uint64_t inbox_seq = 0;  // 0 in history
  std::uint64_t chat_seq = 0;
  std::uint32_t from_device = 0;
};

// Decrypts and names. May ask the server for handles, and the terminal for the passphrase.
MessageView view_message(CommandSession& session, const v1::Envelope& envelope, const ChatRef& chat);

// The text, sanitised; "(message expired)"; or the problem in brackets.
std::string shown_text(const MessageView& message);
// "14:05 bob: text", "14:05 bob in club: text", "14:05 me -> bob: text", "14:05 bob (on a status): text" or
// "14:05 club -- ann added bob".
std::string message_line(const MessageView& message);
// Which chat it is, by id, into a result.
void add_chat(nlohmann::ordered_json& out, const ChatRef& chat);
nlohmann::ordered_json message_json(const MessageView& message);

// Visits up to `limit` stored messages that the user has not been shown, oldest first, and remembers that
// they were. What this very device has sent is passed over. Returns how many there were.
std::size_t show_new(CommandSession& session, std::size_t limit,
                     const std::function<void(const MessageView&)>& visit);

struct LocalHistory {
  std::uint64_t before = 0;  // a chat position: only messages before it; 0: all
  std::size_t limit = 50;    // the last so many
  bool seen_only = false;    // without those that show_new() has yet to show
};
// Messages of a chat from the local store, ascending and each once; those that were removed or whose time is
// over only as such.
std::vector<MessageView> local_history(CommandSession& session, const ChatRef& chat,
                                       const LocalHistory& wanted);

}  // namespace godwit::cli
