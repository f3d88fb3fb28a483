// One call: who is in it, how far it is, what waits in it.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "godwit/ids.h"
#include "godwit/result.h"

namespace godwit {

// Values of v1::CallKind, v1::CallPhase and v1::CallEndReason.
enum class CallKind : std::uint8_t { audio = 0, video = 1 };
enum class CallPhase : std::uint8_t { calling = 0, ringing = 1, active = 2, ended = 3 };
enum class CallEnd : std::uint8_t {
  goes_on = 0,
  hung_up = 1,
  rejected = 2,
  busy = 3,
  cancelled = 4,
  not_answered = 5,
  elsewhere = 6,
  failed = 7,
  lost = 8,
  too_long = 9
};

// A device, as one that takes part.
struct CallParty {
  UserId user;
  DeviceId device;
  auto operator<=>(const CallParty&) const = default;
};

// Names a call: there is at most one at a time in a chat.
struct CallName {
  ChatId chat;
  MessageId id;
  bool operator==(const CallName&) const = default;
};

// The reply to a request: an encoded v1::CallState, or empty where it is Done. Any worker; exactly once.
using CallReply = std::function<void(const Result<std::string>&)>;

struct CallPlacedInfo {
  std::uint32_t ring_ms = 0;
  std::uint32_t devices = 0;  // of the callee, connected
  std::optional<MessageId> instead;
};

struct PlaceRequest {
  CallParty from;
  UserId to;
  CallName name;
  CallKind kind = CallKind::audio;
  std::string offer;
  std::function<void(const Result<CallPlacedInfo>&)> reply;  // any worker; exactly once
};

struct JoinRequest {
  CallParty from;
  CallName name;
  CallKind kind = CallKind::audio;
  std::string token;
  CallReply reply;
};

// Any request to a call that there is.
struct CallRequest {
  CallParty from;
  CallName name;
  bool group = false;
  CallReply reply;
};

// Times are milliseconds by the steady clock, but for those that a client sees.
struct Call {
  struct Participant {
    CallParty party;
    std::int64_t joined_wall_ms = 0;
    std::int64_t lost_ms = 0;  // when its connection went; 0: it has one
    bool connected() const { return lost_ms == 0; }
  };

  CallName name;
  bool group = false;
  CallKind kind = CallKind::audio;
  CallPhase phase = CallPhase::calling;
  CallEnd reason = CallEnd::goes_on;
  CallParty caller;
  UserId callee;        // of direct calls
  // It is not known yet whether there is this call: the callee, or the group's log, is being asked.
  bool deciding = true;
  // The callee blocks the caller, who is not to know: it rings nobody.
  bool silent = false;
  std::uint32_t devices = 0;  // of the callee, when it was placed
  std::int64_t placed_wall_ms = 0;
  std::int64_t ring_until_ms = 0;
  std::int64_t active_ms = 0;
  std::int64_t due_ms = 0;    // what the service has on its clock for this call; 0: nothing
  std::int64_t forget_ms = 0;
  std::vector<Participant> participants;
  // Frames of the caller for who will answer. Then the answer, until the caller's next signal shows that it has it:
  // the connection may have been dead when it went there.
  std::vector<std::string> early;
  std::size_t early_bytes = 0;
  std::string token;               // of a group's
  std::vector<UserId> users;       // who was ever in a group's, ascending
  std::function<void(const Result<CallPlacedInfo>&)> placed;  // who waits for the decision
  std::vector<std::function<void()>> behind;                  // requests that wait for it, too

  bool live() const { return phase != CallPhase::ended; }
  bool answered() const { return active_ms != 0; }
  Participant* find(const CallParty& party) {
    for (Participant& one : participants) {
      if (one.party == party) return &one;
    }
    return nullptr;
  }
};

}  // namespace godwit
