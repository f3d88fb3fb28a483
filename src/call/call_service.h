// The calls of the chats of one worker: placing, ringing, answering, passing signals on, ending.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "call/call.h"
#include "call/call_devices.h"
#include "call/call_wiring.h"

namespace godwit {

// A call belongs to its chat: of a direct chat as of a group there is at most one, and the worker of the chat
// alone decides which. So two who call each other, or two devices that answer, are decided in the order in which
// they come, without a race (docs/decisions/0011).
//
//   CALLING -> RINGING -> ACTIVE -> ENDED      direct; each but the last may be left out
//   ACTIVE -> gone                             a group's, when the last has left
//
// A call that ends leaves an entry in the chat. An ended direct call is remembered for kRememberMs, for repeated
// requests and late answers.
//
// Owner: one worker; everything on its thread. Bounds: options.max_calls over the server, kMaxEnded remembered
// calls, kMaxBehind requests that wait for one decision, options.max_buffered_bytes of signals per device.
class CallService {
 public:
  static constexpr std::int64_t kRememberMs = 30'000;
  static constexpr std::size_t kMaxEnded = 10'000;
  static constexpr std::size_t kMaxBehind = 64;

  CallService(CallWiring wiring, const CallOptions& options, Metrics& metrics);

  // On the worker of the chat. Each answers exactly once, with what the protocol says of the request, or with
  // call_not_found to whoever has no part in the call.

  // call_exists, message_id_expired, overloaded, user_not_found, consent_needed.
  void place(PlaceRequest request);
  // wrong_call_state.
  void ring(CallRequest request);
  // call_answered.
  void answer(CallRequest request, std::string answer);
  // `frame` is an encoded CallSignaled, `to` the device in groups. wrong_call_state, device_not_found, overloaded.
  void signal(CallRequest request, const CallParty& to, std::string frame);
  void end(CallRequest request, CallEnd reason);
  void resume(CallRequest request);
  // chat_not_found, call_full, message_id_expired, overloaded, and what the group has against a message.
  void join(JoinRequest request);
  // `name.id` is ignored.
  void get(CallRequest request);

  // The device lost its connection.
  void lost(const CallName& name, const CallParty& party);
  // They are no members of the group any more.
  void members_left(const ChatId& group, const std::vector<UserId>& users);

  // End of turn: what is due.
  void tick();

  // The side of this worker's users.
  CallDevices& devices() { return devices_; }
  const CallOptions& options() const { return options_; }
  // After a reload.
  void set_ice(IceOptions ice) { options_.ice = std::move(ice); }

 private:
  using OnCall = std::function<void(Call&, const CallRequest&)>;
  // Runs `fn` with the call that the request names, when it is live and the user may act in it; else answers. In
  // groups membership is looked at each time.
  void with_call(CallRequest request, OnCall fn);
  void with_decided(CallRequest request, OnCall fn);
  Call* live(const ChatId& chat);
  Call* live(const CallName& name);
  Call& add(const CallName& name, const CallParty& caller);
  Status admit(const MessageId& id);
  static Error crowded();
  // False: the request goes on as if there were no call.
  bool answer_standing(Call& call, PlaceRequest& request);
  void ask_callee(const Call& call, PlaceRequest& request);
  void rung(const CallName& name, const CallRung& rung);
  // It is decided: what waited goes on. `call` may be gone afterwards.
  void decided(Call& call);
  CallPlacedInfo placed_info(const Call& call) const;
  void late_answer(const CallRequest& request);
  void signal_direct(Call& call, const CallRequest& request, std::string frame);
  // Passes a frame to a device in the call; `reply`, if any, is told.
  void pass_on(const CallParty& to, const CallName& name, std::string frame, CallDevices::What what, CallReply reply);
  void enter(const CallParty& party, const CallName& name, std::vector<std::string> kept,
             std::function<void()> reply);
  void leave(const CallParty& party, const CallName& name, std::string frame);
  // Ends a direct call. `by`, whose request it is, has its reply; all others are told.
  void finish(Call& call, CallEnd reason, const CallParty& by = {});
  // Returns what waited for the answer.
  void keep_early(Call& call, std::string frame);
  std::vector<std::string> drop_early(Call& call);
  void remember(Call& call);
  void forget(const ChatId& chat);
  void write_record(const Call& call, CallEnd reason);
  std::uint32_t duration_s(const Call& call) const;

  // group_calls.cc
  void join_member(JoinRequest request);
  void begin(JoinRequest request);
  void begun(const CallName& name, const JoinRequest& request, const Status& done);
  void take_in(Call& call, const JoinRequest& request);
  // The device is out, and told `frame`. The last one ends the call.
  void put_out(Call& call, const CallParty& party, CallEnd reason, bool tell);
  void finish_group(Call& call, CallEnd reason);
  void tell_participants(const Call& call, const CallParty& except);

  // call_clock.cc: one entry per call, at the earliest time at which something is due.
  void arm(Call& call);
  std::int64_t next_due(const Call& call) const;
  void fire(Call& call, std::int64_t now_ms);
  void set_phase(Call& call, CallPhase phase);

  const CallWiring wiring_;
  CallOptions options_;
  CallDevices devices_;
  std::unordered_map<ChatId, std::unique_ptr<Call>> calls_;
  std::set<std::pair<std::int64_t, ChatId>> clock_;
  std::deque<CallName> ended_;  // oldest first; some may be gone already

  Counter& placed_;
  Counter& answered_;
  Counter& missed_;
  Counter& begun_;
  Counter& lost_;
  Counter& signals_;
  Gauge& ringing_;
  Gauge& active_;
  Gauge& buffered_;
};

}  // namespace godwit
