// How many members of a group have received and read a message.
#pragma once

#include <cstdint>
#include <vector>

#include "godwit/ids.h"

namespace godwit {

struct ReceiptCount {
  std::uint64_t chat_seq = 0;
  std::uint32_t delivered = 0;
  std::uint32_t read = 0;
  std::uint32_t of = 0;
  bool operator==(const ReceiptCount&) const = default;
};

// For the sender of these messages.
struct ReceiptUpdate {
  UserId sender;
  ChatId chat;
  std::vector<ReceiptCount> counts;
};

}  // namespace godwit
