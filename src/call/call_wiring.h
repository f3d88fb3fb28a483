// What calls need of the rest of the process, and what they may cost.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "call/call.h"
#include "call/ice_servers.h"
#include "godwit/clock.h"

namespace godwit {

class CallService;

struct CallOptions {
  std::int64_t ring_ms = 45'000;
  std::int64_t reconnect_ms = 60'000;
  std::int64_t max_duration_ms = 24LL * 3600 * 1000;
  std::uint32_t max_payload_bytes = 32'768;
  std::size_t max_buffered_bytes = 65'536;
  std::uint32_t invites_per_minute = 30;  // of one user; 0 is without limit
  std::uint32_t signals_per_s = 50;       // of one device; 0 is without limit
  std::size_t max_ringing = 8;
  std::int64_t max_calls = 100'000;
  std::size_t max_participants = 8;
  std::size_t max_sfu_participants = 100;
  std::int64_t max_clock_skew_ms = 300'000;  // how far a call's id may be from the server's clock
  std::uint32_t credentials_per_day = 500;   // of one user; 0 is without limit
  IceOptions ice;
};

// What a caller may know of a callee's account, and what the server must.
struct Callee {
  bool exists = false;
  bool blocks = false;      // the caller
  bool asks_first = false;  // strangers, of which the caller is one
  std::vector<DeviceId> devices;
};

// A user and a chat.
struct ChatStanding {
  bool member = false;         // of the group that it is
  bool waits_consent = false;  // the user has not accepted the first message yet
  bool empty = true;           // nothing was ever sent
};

// What remains of a call: an entry of the chat's log.
struct CallEntry {
  ChatId chat;
  CallParty from;
  UserId to;             // none in groups
  MessageId id;
  std::string record;    // encoded v1::CallRecord
  bool begins = false;   // a group's call: as any message, it may be refused
};

// Asks the operator's gateway to wake devices up, so that they connect and ring. Says nothing of the call.
struct WakeUp {
  UserId user;
  std::vector<DeviceId> devices;
  std::string collapse;  // the same for the same call
  std::uint32_t expires_s = 0;
};

// Wired by the router. Functions run at once when the worker asked for is the present one, else later, in order.
struct CallWiring {
  const Clock& clock;
  // Calls under way over the whole server.
  std::atomic<std::int64_t>& under_way;
  std::function<void(UserId, std::function<void(CallService&)>)> at_user;
  std::function<void(const ChatId&, std::function<void(CallService&)>)> at_chat;

  // On the user's worker.
  std::function<std::vector<DeviceId>(UserId)> connected;
  std::function<void(const CallParty&, std::string_view frame)> push;
  std::function<void(UserId callee, UserId caller, std::function<void(const Callee&)>)> describe;
  std::function<void(WakeUp)> wake;

  // On the chat's worker, and so are the answers.
  std::function<void(const ChatId&, UserId, std::function<void(const ChatStanding&)>)> standing;
  std::function<void(CallEntry, std::function<void(const Status&)>)> record;
};

}  // namespace godwit
