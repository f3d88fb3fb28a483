// Sends that wait until the chat can decide them: for a look-up, or for a change that is not committed yet.
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_map>

#include "base/metrics.h"
#include "chat/send_request.h"
#include "godwit/ids.h"

namespace godwit {

// Of each chat in the order in which they came; the first may be what the chat is held for.
//
// Owner: one worker. Bounds: bytes of all that wait, and of those of one chat, so that no chat takes all the room; what
// would exceed them is not taken. What the server itself sends, few and small, always is.
class HeldSends {
 public:
  HeldSends(std::size_t max_bytes, std::size_t max_chat_bytes, Metrics& metrics);

  // Puts a send behind the others, or before them. False when there is no room, and `request` is as it was.
  bool add(SendRequest& request, bool first);
  bool any(const ChatId& chat) const { return chats_.contains(chat); }
  // Of a chat that has any.
  SendRequest& first(const ChatId& chat) { return chats_.find(chat)->second.queue.front(); }
  SendRequest take_first(const ChatId& chat);

 private:
  struct Waiting {
    std::deque<SendRequest> queue;
    std::size_t bytes = 0;
  };

  const std::size_t max_bytes_;
  const std::size_t max_chat_bytes_;
  std::unordered_map<ChatId, Waiting> chats_;  // those that have any
  std::size_t bytes_ = 0;
  Gauge& held_;
  Counter& refused_;
};

}  // namespace godwit
