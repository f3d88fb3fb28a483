// The calls that this device knows of: those that ring here, and the one that it is in. Pure: it is told what
// the server says, and tells what of it is news.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "godwit.pb.h"
#include "tools/cli/chat_ref.h"

namespace godwit::cli {

struct KnownCall {
  using Time = std::chrono::steady_clock::time_point;

  MessageId id;
  ChatRef chat;  // the other side, or the group
  bool outgoing = false;
  v1::CallKind kind = v1::AUDIO;
  v1::CallPhase phase = v1::CALLING;
  std::uint32_t device = 0;  // at the other side, where it is known
  v1::CallEndReason reason = v1::CALL_GOES_ON;
  Time rings_until{};
  std::optional<Time> active_since;

  std::uint32_t seconds(Time now) const;
};

// Who has come into a group's call and who has gone, by user and device.
struct RosterChange {
  using Seat = std::pair<UserId, std::uint32_t>;
  std::vector<Seat> came;
  std::vector<Seat> left;
  std::vector<Seat> lost;  // in it, but without a connection
  std::vector<Seat> back;
  bool ended = false;
};

// All ids are those of calls, 16 bytes, else what is told is passed over. At most kMaxRinging calls ring at
// once; further ones are passed over, and ring on other devices.
class CallBook {
 public:
  using Time = KnownCall::Time;
  static constexpr std::size_t kMaxRinging = 16;

  // `self`, `device`: who we are.
  CallBook(UserId self, std::uint32_t device) : self_(self), device_(device) {}

  // This device has placed a call, or was told to answer one.
  void placed(KnownCall call, Time now);
  // This device has answered. False when that was known.
  bool answered(const MessageId& id, Time now);
  // This device is in a group's call.
  void joined(const v1::CallState& state, Time now);
  // Gone from here.
  void forget(const MessageId& id);

  // A call that rings here, when that is news.
  std::optional<KnownCall> offered(const v1::CallOffered& offer, Time now);
  // A call as it is now, when that is news; one that has ended is forgotten. An answer by another device of
  // ours ends it here (ELSEWHERE).
  std::optional<KnownCall> changed(const v1::CallChanged& change, Time now);
  // What is new in the group's call that this device is in; one that has ended is forgotten.
  std::optional<RosterChange> roster(const v1::CallState& state);
  // A direct call as it is after a connection was lost, as a change.
  static v1::CallChanged as_change(const v1::CallState& state, UserId self);

  // The call that this device is in, or has placed.
  const KnownCall* own() const { return own_ ? &*own_ : nullptr; }
  // The call that has been ringing here for the longest time, of those that still may.
  const KnownCall* ringing(Time now);
  // Who is in the group's call.
  const std::map<RosterChange::Seat, bool>& seats() const { return seats_; }

 private:
  std::vector<KnownCall>::iterator find_ringing(const MessageId& id);
  std::optional<KnownCall> own_changed(const v1::CallChanged& change, Time now);

  UserId self_;
  std::uint32_t device_;
  std::optional<KnownCall> own_;
  std::vector<KnownCall> ringing_;            // in the order in which they came
  std::map<RosterChange::Seat, bool> seats_;  // connected or not
};

}  // namespace godwit::cli
