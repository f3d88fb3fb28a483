#include "call/call_service.h"

#include <algorithm>
#include <cstdlib>

#include "base/random.h"
#include "call/call_frames.h"

namespace godwit {

CallService::CallService(CallWiring wiring, const CallOptions& options, Metrics& metrics)
    : wiring_(std::move(wiring)),
      options_(options),
      devices_(wiring_, options_, metrics),
      placed_(metrics.counter("godwit_calls_placed_total", "Direct calls that were placed")),
      answered_(metrics.counter("godwit_calls_answered_total", "Direct calls that were answered")),
      missed_(metrics.counter("godwit_calls_missed_total", "Direct calls that ended before anybody answered or rejected them")),
      begun_(metrics.counter("godwit_calls_begun_total", "Calls of groups that began")),
      lost_(metrics.counter("godwit_calls_lost_total", "Devices that did not come back to their call in time")),
      signals_(metrics.counter("godwit_call_signals_total", "Signals passed on, or kept for later")),
      ringing_(metrics.gauge("godwit_calls_ringing", "Direct calls that wait for an answer")),
      active_(metrics.gauge("godwit_calls_active", "Calls with somebody in them, direct and of groups")),
      buffered_(metrics.gauge("godwit_call_buffered_bytes", "Signals kept for devices that have no connection, or have not answered yet")) {}

Call* CallService::live(const ChatId& chat) {
  const auto it = calls_.find(chat);
  return it != calls_.end() && it->second->live() ? it->second.get() : nullptr;
}

Call* CallService::live(const CallName& name) {
  Call* call = live(name.chat);
  return call != nullptr && call->name == name ? call : nullptr;
}

// ---- placing

Error CallService::crowded() {
  return Error(Errc::overloaded, "too many requests wait for this call", 1'000);
}

Status CallService::admit(const MessageId& id) {
  if (std::abs(id.time_ms() - wiring_.clock.wall_ms()) > options_.max_clock_skew_ms) return Errc::message_id_expired;
  if (wiring_.under_way.load(std::memory_order_relaxed) >= options_.max_calls) {
    return Error(Errc::overloaded, "too many calls", 1'000);
  }
  return Unit{};
}

Call& CallService::add(const CallName& name, const CallParty& caller) {
  forget(name.chat);
  auto call = std::make_unique<Call>();
  call->name = name;
  call->caller = caller;
  call->placed_wall_ms = wiring_.clock.wall_ms();
  wiring_.under_way.fetch_add(1, std::memory_order_relaxed);
  return *(calls_[name.chat] = std::move(call));
}

void CallService::place(PlaceRequest request) {
  const auto known = calls_.find(request.name.chat);
  if (known != calls_.end() && answer_standing(*known->second, request)) return;
  if (const Status admitted = admit(request.name.id); !admitted) return request.reply(admitted.error());
  Call& call = add(request.name, request.from);
  call.kind = request.kind;
  call.callee = request.to;
  call.ring_until_ms = wiring_.clock.steady_ms() + options_.ring_ms;
  call.participants.push_back({request.from, call.placed_wall_ms, 0});
  call.placed = std::move(request.reply);
  ringing_.Increment();
  ask_callee(call, request);
}

bool CallService::answer_standing(Call& call, PlaceRequest& request) {
  const bool same = call.name == request.name && call.caller == request.from;
  if (!call.live()) {
    if (!same) return false;
    request.reply(placed_info(call));
    wiring_.at_user(request.from.user, [party = request.from,
                                        frame = call_changed_frame(call.name.id, call.callee, CallPhase::ended,
                                                                   call.reason)](CallService& there) {
      there.wiring_.push(party, frame);
    });
    return true;
  }
  if (call.deciding) {
    if (call.behind.size() >= kMaxBehind) {
      request.reply(crowded());
    } else {
      call.behind.push_back([this, request = std::move(request)]() mutable { place(std::move(request)); });
    }
    return true;
  }
  if (same) {
    // Perhaps on another connection than before.
    call.participants[0].lost_ms = 0;
    arm(call);
    enter(call.caller, call.name, {}, [reply = request.reply, info = placed_info(call)] { reply(info); });
    return true;
  }
  if (call.caller.user == request.from.user || call.answered()) {
    request.reply(Errc::call_exists);
    return true;
  }
  if (call.silent) {
    // The callee does not know of it, and calls. To who is blocked it looks as if it had not been answered.
    finish(call, CallEnd::not_answered);
    return false;
  }
  CallPlacedInfo info;
  info.instead = call.name.id;
  request.reply(info);
  return true;
}

// First the chat, which is here, then the account, which is where the callee's devices are.
void CallService::ask_callee(const Call& call, PlaceRequest& request) {
  CallOffer offer{request.name, request.from, request.to, request.kind, std::move(request.offer), call.ring_until_ms, {}};
  wiring_.standing(request.name.chat, request.to, [this, offer = std::move(offer)](const ChatStanding& standing) mutable {
    offer.standing = standing;
    const UserId to = offer.to;
    wiring_.at_user(to, [offer = std::move(offer)](CallService& there) mutable {
      const CallName name = offer.name;
      there.devices_.ring(std::move(offer), [&there, name](const CallRung& rung) {
        there.wiring_.at_chat(name.chat, [name, rung](CallService& owner) { owner.rung(name, rung); });
      });
    });
  });
}

CallPlacedInfo CallService::placed_info(const Call& call) const {
  CallPlacedInfo info;
  if (call.live()) {
    info.ring_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(0, call.ring_until_ms - wiring_.clock.steady_ms()));
  }
  info.devices = call.devices;
  return info;
}

void CallService::rung(const CallName& name, const CallRung& rung) {
  Call* call = live(name);
  if (call == nullptr || !call->deciding) return;
  if (rung.error != Errc::ok) {
    set_phase(*call, CallPhase::ended);
    drop_early(*call);
    wiring_.under_way.fetch_sub(1, std::memory_order_relaxed);
    call->placed(rung.error);
    return decided(*call);
  }
  placed_.Increment();
  call->silent = rung.silent;
  call->devices = rung.devices;
  arm(*call);
  enter(call->caller, name, {}, [reply = std::exchange(call->placed, nullptr), info = placed_info(*call)] { reply(info); });
  if (rung.busy) finish(*call, CallEnd::busy);
  decided(*call);
}

void CallService::decided(Call& call) {
  call.deciding = false;
  auto behind = std::exchange(call.behind, {});
  if (!call.live() && call.forget_ms == 0) forget(call.name.chat);
  for (auto& next : behind) next();
}

// ---- requests to a call

void CallService::with_call(CallRequest request, OnCall fn) {
  if (!request.group) return with_decided(std::move(request), std::move(fn));
  const ChatId chat = request.name.chat;
  const UserId user = request.from.user;
  wiring_.standing(chat, user, [this, request = std::move(request), fn = std::move(fn)](const ChatStanding& standing) {
    if (!standing.member) return request.reply(Errc::chat_not_found);
    with_decided(request, fn);
  });
}

void CallService::with_decided(CallRequest request, OnCall fn) {
  Call* call = live(request.name);
  if (call == nullptr || call->group != request.group) return request.reply(Errc::call_not_found);
  if (call->deciding) {
    if (call->behind.size() >= kMaxBehind) return request.reply(crowded());
    call->behind.push_back([this, request = std::move(request), fn = std::move(fn)] { with_decided(request, fn); });
    return;
  }
  const bool rings_here = !call->group && !call->answered() && !call->silent && request.from.user == call->callee;
  if (!rings_here && call->find(request.from) == nullptr) return request.reply(Errc::call_not_found);
  fn(*call, request);
}

void CallService::ring(CallRequest request) {
  with_call(std::move(request), [this](Call& call, const CallRequest& asked) {
    if (asked.from.user != call.callee) return asked.reply(Errc::call_not_found);
    if (call.answered()) return asked.reply(Errc::wrong_call_state);
    if (call.phase == CallPhase::calling) {
      set_phase(call, CallPhase::ringing);
      pass_on(call.caller, call.name, call_changed_frame(call.name.id, call.callee, CallPhase::ringing),
              CallDevices::What::step, nullptr);
    }
    asked.reply(std::string());
  });
}

void CallService::answer(CallRequest request, std::string answer) {
  Call* known = live(request.name);
  if (known == nullptr || known->answered()) return late_answer(request);
  with_call(std::move(request), [this, answer = std::move(answer)](Call& call, const CallRequest& asked) {
    if (asked.from.user != call.callee) return asked.reply(Errc::call_not_found);
    const CallName name = call.name;
    const CallParty callee = asked.from;
    answered_.Increment();
    call.active_ms = wiring_.clock.steady_ms();
    set_phase(call, CallPhase::active);
    call.participants.push_back({callee, wiring_.clock.wall_ms(), 0});
    arm(call);
    const CallParty caller = call.caller;
    std::vector<std::string> early = drop_early(call);
    std::string answered = call_answered_frame(name.id, callee.user, callee.device, answer);
    keep_early(call, answered);
    pass_on(caller, name, std::move(answered), CallDevices::What::state, nullptr);
    wiring_.at_user(callee.user, [callee, caller, name](CallService& there) {
      there.devices_.stop(callee.user, name.id,
                          call_changed_frame(name.id, caller.user, CallPhase::ended, CallEnd::elsewhere), callee.device);
    });
    enter(callee, name, std::move(early), [reply = asked.reply] { reply(std::string()); });
  });
}

// To a device of the callee another one's answer is still the reason shortly after the end; for all else the call
// is over. The device that answered may ask again while the call lasts: its reply was lost.
void CallService::late_answer(const CallRequest& request) {
  const auto it = calls_.find(request.name.chat);
  if (it == calls_.end() || it->second->name != request.name || it->second->group || !it->second->answered() ||
      it->second->callee != request.from.user) {
    return request.reply(Errc::call_not_found);
  }
  Call& call = *it->second;
  if (call.find(request.from) == nullptr) return request.reply(Errc::call_answered);
  if (!call.live()) return request.reply(Errc::call_not_found);
  request.reply(std::string());
}

void CallService::signal(CallRequest request, const CallParty& to, std::string frame) {
  // Early candidates need not wait for the decision: they wait for the answer anyhow, and are bounded there.
  if (Call* call = live(request.name); call != nullptr && call->deciding && !call->group && call->caller == request.from) {
    return signal_direct(*call, request, std::move(frame));
  }
  with_call(std::move(request), [this, to, frame = std::move(frame)](Call& call, const CallRequest& asked) {
    if (!call.group) return signal_direct(call, asked, frame);
    if (call.find(to) == nullptr || to == asked.from) return asked.reply(Errc::device_not_found);
    signals_.Increment();
    pass_on(to, call.name, frame, CallDevices::What::signal, asked.reply);
  });
}

void CallService::signal_direct(Call& call, const CallRequest& request, std::string frame) {
  if (call.answered()) {
    if (request.from == call.caller) drop_early(call);
    const CallParty& to = call.participants[call.participants[0].party == request.from ? 1 : 0].party;
    signals_.Increment();
    return pass_on(to, call.name, std::move(frame), CallDevices::What::signal, request.reply);
  }
  if (request.from != call.caller) return request.reply(Errc::wrong_call_state);
  if (call.early_bytes + frame.size() > options_.max_buffered_bytes) {
    return request.reply(Error(Errc::overloaded, "too much waits for the answer already"));
  }
  signals_.Increment();
  keep_early(call, std::move(frame));
  request.reply(std::string());
}

void CallService::end(CallRequest request, CallEnd reason) {
  with_call(std::move(request), [this, reason](Call& call, const CallRequest& asked) {
    // The reply goes first: what ends may take the call with it.
    if (call.group) {
      asked.reply(std::string());
      return put_out(call, asked.from, CallEnd::hung_up, false);
    }
    CallEnd why = reason == CallEnd::failed ? CallEnd::failed : CallEnd::hung_up;
    if (!call.answered()) {
      if (asked.from == call.caller) {
        why = CallEnd::cancelled;
      } else if (reason != CallEnd::busy && reason != CallEnd::failed) {
        why = CallEnd::rejected;
      } else {
        why = reason;
      }
    }
    asked.reply(std::string());
    finish(call, why, asked.from);
  });
}

void CallService::resume(CallRequest request) {
  with_call(std::move(request), [this](Call& call, const CallRequest& asked) {
    Call::Participant* participant = call.find(asked.from);
    if (participant == nullptr) return asked.reply(Errc::call_not_found);
    participant->lost_ms = 0;
    arm(call);
    const bool wants_answer = call.answered() && asked.from == call.caller;
    enter(asked.from, call.name, wants_answer ? call.early : std::vector<std::string>(),
          [reply = asked.reply, state = call_state(call, asked.from.user)] { reply(state); });
  });
}

void CallService::get(CallRequest request) {
  if (request.group) {
    wiring_.standing(request.name.chat, request.from.user, [this, request](const ChatStanding& standing) {
      if (!standing.member) return request.reply(Errc::chat_not_found);
      Call* call = live(request.name.chat);
      if (call == nullptr || !call->group) return request.reply(Errc::call_not_found);
      if (!call->deciding) return request.reply(call_state(*call, request.from.user));
      // Members may have the entry of its beginning already, and ask because of it.
      if (call->behind.size() >= kMaxBehind) return request.reply(crowded());
      call->behind.push_back([this, request] { get(request); });
    });
    return;
  }
  Call* call = live(request.name.chat);
  const bool hidden = call != nullptr && call->callee == request.from.user && (call->silent || call->deciding);
  if (call == nullptr || call->group || hidden) return request.reply(Errc::call_not_found);
  request.reply(call_state(*call, request.from.user));
}

// ---- to the devices

void CallService::pass_on(const CallParty& to, const CallName& name, std::string frame, CallDevices::What what,
                          CallReply reply) {
  wiring_.at_user(to.user, [to, name, frame = std::move(frame), what, reply = std::move(reply)](CallService& there) mutable {
    const Status done = there.devices_.deliver(to, name, std::move(frame), what);
    if (reply) reply(done ? Result<std::string>(std::string()) : Result<std::string>(done.error()));
  });
}

void CallService::enter(const CallParty& party, const CallName& name, std::vector<std::string> kept,
                        std::function<void()> reply) {
  wiring_.at_user(party.user, [party, name, kept = std::move(kept), reply = std::move(reply)](CallService& there) mutable {
    there.devices_.enter(party, name, std::move(kept), reply);
  });
}

void CallService::leave(const CallParty& party, const CallName& name, std::string frame) {
  wiring_.at_user(party.user, [party, name, frame = std::move(frame)](CallService& there) {
    there.devices_.leave(party, name, frame);
  });
}

void CallService::lost(const CallName& name, const CallParty& party) {
  Call* call = live(name);
  Call::Participant* participant = call != nullptr ? call->find(party) : nullptr;
  if (participant == nullptr || !participant->connected()) return;
  participant->lost_ms = wiring_.clock.steady_ms();
  arm(*call);
}

// ---- the end

void CallService::finish(Call& call, CallEnd reason, const CallParty& by) {
  const CallPhase before = call.phase;
  const CallName name = call.name;
  set_phase(call, CallPhase::ended);
  call.reason = reason;
  wiring_.under_way.fetch_sub(1, std::memory_order_relaxed);
  const bool missed = reason == CallEnd::cancelled || reason == CallEnd::not_answered;
  if (missed) missed_.Increment();
  drop_early(call);
  remember(call);
  write_record(call, reason);
  for (const Call::Participant& one : call.participants) {
    const UserId peer = one.party == call.caller ? call.callee : call.caller.user;
    leave(one.party, name, one.party == by ? std::string() : call_changed_frame(name.id, peer, CallPhase::ended, reason));
  }
  if (before == CallPhase::active || call.silent) return;
  const bool by_callee = by.user == call.callee;
  const CallEnd told = by_callee ? CallEnd::elsewhere : reason;
  wiring_.at_user(call.callee, [callee = call.callee, id = name.id, except = by_callee ? by.device : DeviceId(),
                                frame = call_changed_frame(name.id, call.caller.user, CallPhase::ended, told)](CallService& there) {
    there.devices_.stop(callee, id, frame, except);
  });
}

void CallService::keep_early(Call& call, std::string frame) {
  call.early_bytes += frame.size();
  buffered_.Increment(static_cast<double>(frame.size()));
  call.early.push_back(std::move(frame));
}

std::vector<std::string> CallService::drop_early(Call& call) {
  buffered_.Decrement(static_cast<double>(std::exchange(call.early_bytes, 0)));
  return std::exchange(call.early, {});
}

void CallService::remember(Call& call) {
  call.forget_ms = wiring_.clock.steady_ms() + kRememberMs;
  arm(call);
  ended_.push_back(call.name);
  const auto gone = [this](const CallName& name) {
    const auto it = calls_.find(name.chat);
    return it == calls_.end() || it->second->live() || it->second->name != name;
  };
  // In the order in which they are forgotten anyhow.
  while (ended_.size() > kMaxEnded || gone(ended_.front())) {
    const CallName oldest = ended_.front();
    ended_.pop_front();
    if (!gone(oldest)) forget(oldest.chat);
  }
}

void CallService::forget(const ChatId& chat) {
  const auto it = calls_.find(chat);
  if (it == calls_.end()) return;
  if (it->second->due_ms != 0) clock_.erase({it->second->due_ms, chat});
  calls_.erase(it);
}

std::uint32_t CallService::duration_s(const Call& call) const {
  return call.answered() ? static_cast<std::uint32_t>((wiring_.clock.steady_ms() - call.active_ms) / 1000) : 0;
}

// Under an id of the server's making: one that the caller could choose might be in use, and there would be no entry.
void CallService::write_record(const Call& call, CallEnd reason) {
  const MessageId id = make_message_id(wiring_.clock.wall_ms());
  CallEntry entry{call.name.chat, call.caller, call.callee, id, call_record(call, reason, duration_s(call)), false};
  // Refused when the callee's account is gone, or nothing can be written now: then there is no history of it.
  wiring_.record(std::move(entry), [](const Status&) {});
}

}  // namespace godwit
