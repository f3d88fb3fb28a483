// Where a message is, at one of its recipients: what their worker knows of their devices.
#pragma once

#include <functional>
#include <vector>

#include "router/shard.h"

namespace godwit {

struct DeviceTrace {
  DeviceId device;
  bool online = false;     // it has a connection now
  bool pushed = false;     // the message was sent to it on this connection
  bool delivered = false;  // it has stored the message
  std::int64_t last_seen_ms = 0;  // milliseconds since the Unix epoch; 0 is not known
};

struct TracedRecipient {
  UserId user;
  ChatId chat;
  std::uint64_t chat_seq = 0;
  bool delivered = false;  // at least one device has it, as far as the chat knows
};

// Who asks: a user sees of the devices what the recipient's privacy settings allow; none is the operator, who
// sees all.
using Asker = UserId;

// On the recipient's worker, and so is `done`. Looks the message up in the inbox: in the tail, else in the store.
void trace_devices(Shard& shard, const Store& store, ReaderPool& readers, const PartitionMap& map,
                   const TracedRecipient& recipient, Asker asker,
                   std::function<void(std::vector<DeviceTrace>)> done);

}  // namespace godwit
