#include "chat/held_sends.h"

#include <utility>

namespace godwit {
namespace {

std::size_t bytes_of(const SendRequest& request) {
  std::size_t bytes = sizeof(SendRequest) + request.payload.size() + request.device_payloads.size() +
                      request.event.size() + request.removed_envelope.size();
  if (request.commit != nullptr) {
    const CommitParts& parts = *request.commit;
    bytes += parts.group_info.size() + parts.ratchet_tree.size() + parts.for_joiners.size() +
             parts.joins.size() * sizeof(DeviceName);
  }
  return bytes;
}

}  // namespace

HeldSends::HeldSends(std::size_t max_bytes, std::size_t max_chat_bytes, Metrics& metrics)
    : max_bytes_(max_bytes),
      max_chat_bytes_(max_chat_bytes),
      held_(metrics.gauge("godwit_chat_held_bytes", "Bytes of sends that wait for a look-up or a change of their chat")),
      refused_(metrics.counter("godwit_chat_held_refused_total", "Sends refused since too many bytes wait")) {}

bool HeldSends::add(SendRequest& request, bool first) {
  const std::size_t bytes = bytes_of(request);
  const auto known = chats_.find(request.chat);
  const std::size_t of_chat = known != chats_.end() ? known->second.bytes : 0;
  const bool fits = bytes_ + bytes <= max_bytes_ && of_chat + bytes <= max_chat_bytes_;
  if (!fits && !request.of_server) {
    refused_.Increment();
    return false;
  }
  Waiting& waiting = chats_[request.chat];
  waiting.bytes += bytes;
  bytes_ += bytes;
  held_.Increment(static_cast<double>(bytes));
  if (first) {
    waiting.queue.push_front(std::move(request));
  } else {
    waiting.queue.push_back(std::move(request));
  }
  return true;
}

SendRequest HeldSends::take_first(const ChatId& chat) {
  const auto it = chats_.find(chat);
  SendRequest request = std::move(it->second.queue.front());
  it->second.queue.pop_front();
  const std::size_t bytes = bytes_of(request);
  it->second.bytes -= bytes;
  bytes_ -= bytes;
  held_.Decrement(static_cast<double>(bytes));
  if (it->second.queue.empty()) chats_.erase(it);
  return request;
}

}  // namespace godwit
