// Calls of groups: who begins one, who comes and goes.
#include <algorithm>

#include "base/random.h"
#include "call/call_frames.h"
#include "call/call_service.h"

namespace godwit {

void CallService::join(JoinRequest request) {
  const ChatId chat = request.name.chat;
  const UserId user = request.from.user;
  wiring_.standing(chat, user, [this, request = std::move(request)](const ChatStanding& standing) {
    if (!standing.member) return request.reply(Errc::chat_not_found);
    join_member(request);
  });
}

void CallService::join_member(JoinRequest request) {
  Call* call = live(request.name.chat);
  if (call == nullptr) return begin(std::move(request));
  if (!call->group) return request.reply(Errc::chat_not_found);
  if (!call->deciding) return take_in(*call, request);
  if (call->behind.size() >= kMaxBehind) return request.reply(crowded());
  call->behind.push_back([this, request = std::move(request)] { join(request); });
}

// The entry in the group's log decides: who may not post may not begin a call either.
void CallService::begin(JoinRequest request) {
  if (const Status admitted = admit(request.name.id); !admitted) return request.reply(admitted.error());
  Call& call = add(request.name, request.from);
  call.group = true;
  call.kind = request.kind;
  call.token = request.token;
  call.users.push_back(request.from.user);
  CallEntry entry{call.name.chat, call.caller, {}, call.name.id, call_record(call, CallEnd::goes_on, 0), true};
  wiring_.record(std::move(entry), [this, request = std::move(request)](const Status& done) {
    begun(request.name, request, done);
  });
}

void CallService::begun(const CallName& name, const JoinRequest& request, const Status& done) {
  Call* call = live(name);
  if (call == nullptr || !call->deciding) return request.reply(Errc::internal);
  if (!done) {
    call->phase = CallPhase::ended;
    wiring_.under_way.fetch_sub(1, std::memory_order_relaxed);
    request.reply(done.error());
    return decided(*call);
  }
  begun_.Increment();
  active_.Increment();
  call->phase = CallPhase::active;
  call->active_ms = wiring_.clock.steady_ms();
  take_in(*call, request);
  decided(*call);
}

void CallService::take_in(Call& call, const JoinRequest& request) {
  const std::size_t bound = call.token.empty() ? options_.max_participants : options_.max_sfu_participants;
  Call::Participant* known = call.find(request.from);
  if (known == nullptr && call.participants.size() >= bound) return request.reply(Errc::call_full);
  if (known != nullptr) {
    known->lost_ms = 0;
  } else {
    call.participants.push_back({request.from, wiring_.clock.wall_ms(), 0});
    const auto at = std::lower_bound(call.users.begin(), call.users.end(), request.from.user);
    if (at == call.users.end() || *at != request.from.user) call.users.insert(at, request.from.user);
    tell_participants(call, request.from);
  }
  arm(call);
  enter(request.from, call.name, {}, [reply = request.reply, state = call_state(call, request.from.user)] { reply(state); });
}

void CallService::tell_participants(const Call& call, const CallParty& except) {
  const std::string frame = call_state_frame(call, {});
  for (const Call::Participant& one : call.participants) {
    if (one.party != except) pass_on(one.party, call.name, frame, CallDevices::What::state, nullptr);
  }
}

void CallService::put_out(Call& call, const CallParty& party, CallEnd reason, bool tell) {
  const auto removed = std::erase_if(call.participants, [&](const Call::Participant& one) { return one.party == party; });
  if (removed == 0) return;
  std::string frame;
  if (tell) {
    const CallPhase phase = std::exchange(call.phase, CallPhase::ended);
    frame = call_state_frame(call, {});
    call.phase = phase;
  }
  leave(party, call.name, std::move(frame));
  if (call.participants.empty()) return finish_group(call, reason);
  tell_participants(call, {});
  arm(call);
}

void CallService::finish_group(Call& call, CallEnd reason) {
  set_phase(call, CallPhase::ended);
  wiring_.under_way.fetch_sub(1, std::memory_order_relaxed);
  write_record(call, reason);
  const auto participants = std::exchange(call.participants, {});
  const CallName name = call.name;
  const std::string frame = call_state_frame(call, {});
  forget(name.chat);
  for (const Call::Participant& one : participants) leave(one.party, name, frame);
}

void CallService::members_left(const ChatId& group, const std::vector<UserId>& users) {
  for (const UserId user : users) {
    for (;;) {
      Call* call = live(group);
      if (call == nullptr || !call->group) return;
      const auto it = std::find_if(call->participants.begin(), call->participants.end(),
                                   [&](const Call::Participant& one) { return one.party.user == user; });
      if (it == call->participants.end()) break;
      put_out(*call, CallParty(it->party), CallEnd::hung_up, true);
    }
  }
}

}  // namespace godwit
