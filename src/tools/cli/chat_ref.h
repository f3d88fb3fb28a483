// Which chat is meant: a direct one, named by its other party, or a group.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "godwit/ids.h"

namespace godwit::v1 {
class Envelope;
}

namespace godwit::cli {

struct ChatRef {
  ChatRef() = default;
  ChatRef(UserId other_party) : peer(other_party) {}
  explicit ChatRef(const ChatId& id) : group(id) {}

  bool is_group() const { return group != ChatId(); }
  auto operator<=>(const ChatRef&) const = default;

  UserId peer;   // 0 in groups
  ChatId group;  // zeros in direct chats
};

// The chat that the envelope belongs to, as user `self` sees it.
ChatRef chat_of(const v1::Envelope& envelope, UserId self);

// "id:<decimal>" or "group:<32 hex digits>".
std::string format_chat(const ChatRef& chat);
// A group's id, with or without "group:" before it; nothing for anything else.
std::optional<ChatId> parse_group_id(std::string_view text);

// Into requests with `peer` and `chat`.
template <class Request>
void set_chat(Request& request, const ChatRef& chat) {
  if (chat.is_group()) {
    request.set_chat(chat.group.str());
  } else {
    request.set_peer(chat.peer.value);
  }
}

}  // namespace godwit::cli
