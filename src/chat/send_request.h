// What a chat is asked to take in: a message, a commit, a change of a group, a removal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/group.h"
#include "godwit/ids.h"
#include "godwit/result.h"

namespace godwit {

struct SentInfo {
  ChatSeq chat_seq;  // none when it waits for an admin
  std::int64_t time_delta_ms = 0;
  std::uint64_t version = 0;  // of the group
  bool repeated = false;      // it was there already
};

using DeviceName = std::pair<UserId, DeviceId>;

// What a commit brings along beside itself. Constant.
struct CommitParts {
  std::string group_info;
  std::string ratchet_tree;
  std::string for_joiners;         // encoded Envelope that has nothing but `welcome` and `joins`
  std::vector<DeviceName> joins;   // ascending
};

// `reply` is called exactly once, on worker `reply_worker`.
struct SendRequest {
  UserId from;
  DeviceId device;
  ChatId chat;
  UserId to;  // none in groups
  MessageId id;
  std::string payload;
  std::uint32_t ttl_s = 0;  // 0: the chat's own
  std::string relates_to;
  std::optional<std::uint64_t> ends_epoch;
  std::shared_ptr<const CommitParts> commit;  // with ends_epoch
  bool admitted = false;                      // its sender's rate is taken
  bool joins_known = false;                   // the devices it lets in were looked up
  std::string device_payloads;        // encoded, and the devices they are for
  std::vector<DeviceName> devices;
  bool devices_known = true;          // false: to be compared with those there are
  bool recipient_known = false;       // of the first message of a direct chat: was looked at for this one
  std::vector<DeviceId> own_devices;  // the sender's other devices; with device payloads only
  std::shared_ptr<const GroupAction> action;  // a change of a group
  std::string event;                          // encoded ChatEvent of another change
  std::uint64_t removes_seq = 0;              // which removes this entry of the log
  std::string removed_envelope;
  bool copy_to_sender = false;  // the sender has other devices
  // Ends what was begun, a call: neither role, rate nor the age of its id hold it up, and its sender may have left.
  bool of_server = false;
  unsigned reply_worker = 0;
  std::function<void(const Result<SentInfo>&)> reply;
};

}  // namespace godwit
