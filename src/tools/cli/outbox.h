// Messages that the server has not acknowledged yet: one file each, written before the first attempt, removed
// after Sent. What a crash leaves behind is sent again under the same id, so that it arrives once.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>

#include "tools/cli/chat_ref.h"

namespace godwit::v1 {
class Send;
}

namespace godwit::cli {

struct OutgoingMessage {
  MessageId id;
  ChatRef to;
  std::string payload;          // encrypted
  std::uint32_t ttl_s = 0;      // 0: as the chat has it
  std::string relates_to = {};  // id of the message or status that this one answers, or empty
};

// The request that carries it, on the wire and on disk.
v1::Send to_request(const OutgoingMessage& message);

class Outbox {
 public:
  static constexpr std::size_t kMaxMessages = 1000;

  // Takes up to `max_messages`. Reads what earlier runs left. Throws std::system_error, or std::runtime_error
  // for a file that is no message.
  explicit Outbox(std::filesystem::path dir, std::size_t max_messages = kMaxMessages);

  // False when the outbox is full. Durable on return. Throws std::system_error.
  bool add(const OutgoingMessage& message);
  void remove(const MessageId& id);

  // In the order of add().
  const std::deque<OutgoingMessage>& messages() const { return messages_; }
  const OutgoingMessage* find(const MessageId& id) const;

 private:
  std::filesystem::path path_of(std::uint64_t number) const;

  std::filesystem::path dir_;
  std::size_t max_messages_;
  std::deque<OutgoingMessage> messages_;
  std::deque<std::uint64_t> numbers_;  // of the files, parallel to messages_
  std::uint64_t next_number_ = 1;
};

}  // namespace godwit::cli
