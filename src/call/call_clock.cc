// What happens to calls by time: they ring long enough, wait long enough for a device, last long enough.
#include <algorithm>
#include <limits>

#include "call/call_service.h"

namespace godwit {

void CallService::arm(Call& call) {
  const std::int64_t next = next_due(call);
  if (next == call.due_ms) return;
  if (call.due_ms != 0) clock_.erase({call.due_ms, call.name.chat});
  call.due_ms = next;
  if (next != 0) clock_.insert({next, call.name.chat});
}

std::int64_t CallService::next_due(const Call& call) const {
  if (!call.live()) return call.forget_ms;
  std::int64_t next = call.answered() ? call.active_ms + options_.max_duration_ms : call.ring_until_ms;
  for (const Call::Participant& one : call.participants) {
    if (!one.connected()) next = std::min(next, one.lost_ms + options_.reconnect_ms);
  }
  return next;
}

void CallService::tick() {
  if (clock_.empty()) return;
  const std::int64_t now = wiring_.clock.steady_ms();
  while (!clock_.empty() && clock_.begin()->first <= now) {
    const ChatId chat = clock_.begin()->second;
    Call& call = *calls_.find(chat)->second;
    clock_.erase(clock_.begin());
    call.due_ms = 0;
    fire(call, now);
  }
}

void CallService::fire(Call& call, std::int64_t now_ms) {
  const ChatId chat = call.name.chat;
  if (!call.live()) return forget(chat);
  const bool too_long = call.answered() && now_ms >= call.active_ms + options_.max_duration_ms;
  if (too_long) return call.group ? finish_group(call, CallEnd::too_long) : finish(call, CallEnd::too_long);
  std::vector<CallParty> gone;
  for (const Call::Participant& one : call.participants) {
    if (!one.connected() && now_ms >= one.lost_ms + options_.reconnect_ms) gone.push_back(one.party);
  }
  lost_.Increment(static_cast<double>(gone.size()));
  if (call.group) {
    for (const CallParty& party : gone) {
      if (Call* again = live(chat)) put_out(*again, party, CallEnd::lost, true);
    }
    if (Call* again = live(chat)) arm(*again);
    return;
  }
  if (!gone.empty()) return finish(call, CallEnd::lost);
  if (!call.answered() && now_ms >= call.ring_until_ms) return finish(call, CallEnd::not_answered);
  arm(call);
}

void CallService::set_phase(Call& call, CallPhase phase) {
  const auto gauge = [&](CallPhase of) -> Gauge* {
    if (of == CallPhase::ended) return nullptr;
    return of == CallPhase::active ? &active_ : &ringing_;
  };
  if (Gauge* from = gauge(call.phase)) from->Decrement();
  if (Gauge* to = gauge(phase)) to->Increment();
  call.phase = phase;
}

}  // namespace godwit
