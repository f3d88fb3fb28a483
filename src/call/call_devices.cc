#include "call/call_devices.h"

#include <algorithm>

#include "base/random.h"
#include "call/call_service.h"
#include "godwit.pb.h"

namespace godwit {

CallDevices::CallDevices(const CallWiring& wiring, const CallOptions& options, Metrics& metrics)
    : wiring_(wiring),
      options_(options),
      offers_(metrics.counter("godwit_call_offers_total", "Offers of calls sent to devices")),
      buffered_(metrics.gauge("godwit_call_buffered_bytes", "Signals kept for devices that have no connection, or have not answered yet")) {}

void CallDevices::ring(CallOffer offer, std::function<void(const CallRung&)> reply) {
  const UserId to = offer.to;
  const UserId from = offer.from.user;
  wiring_.describe(to, from, [this, offer = std::move(offer), reply = std::move(reply)](const Callee& callee) mutable {
    rung(std::move(offer), callee, reply);
  });
}

// What the caller is told must not depend on whether they are blocked.
void CallDevices::rung(CallOffer offer, const Callee& callee, const std::function<void(const CallRung&)>& reply) {
  CallRung rung;
  if (!callee.exists) {
    rung.error = Errc::user_not_found;
  } else if (offer.standing.waits_consent || (callee.asks_first && offer.standing.empty)) {
    rung.error = Errc::consent_needed;
  }
  if (rung.error != Errc::ok) return reply(rung);
  const auto ringing = rings_.find(offer.to);
  rung.busy = ringing != rings_.end() && ringing->second.size() >= options_.max_ringing;
  rung.silent = callee.blocks;
  if (rung.busy || rung.silent) return reply(rung);

  const std::vector<DeviceId> connected = wiring_.connected(offer.to);
  rung.devices = static_cast<std::uint32_t>(connected.size());
  if (!connected.empty()) {
    const std::string frame = offered_frame(offer);
    for (const DeviceId device : connected) wiring_.push({offer.to, device}, frame);
    offers_.Increment(rung.devices);
  }
  wake(offer, callee, connected);
  std::vector<CallOffer>& rings = rings_[offer.to];
  rings.push_back(std::move(offer));
  reply(rung);
}

void CallDevices::wake(const CallOffer& offer, const Callee& callee, const std::vector<DeviceId>& connected) const {
  WakeUp wake{offer.to, {}, hex(offer.name.id.view()), 0};
  for (const DeviceId device : callee.devices) {
    if (std::find(connected.begin(), connected.end(), device) == connected.end()) wake.devices.push_back(device);
  }
  const std::int64_t left = offer.ring_until_ms - wiring_.clock.steady_ms();
  if (wake.devices.empty() || left <= 0) return;
  wake.expires_s = static_cast<std::uint32_t>((left + 999) / 1000);
  wiring_.wake(std::move(wake));
}

void CallDevices::stop(UserId callee, const MessageId& id, const std::string& frame, DeviceId except) {
  const auto rings = rings_.find(callee);
  if (rings == rings_.end()) return;
  const auto removed = std::erase_if(rings->second, [&](const CallOffer& offer) { return offer.name.id == id; });
  if (rings->second.empty()) rings_.erase(rings);
  if (removed == 0 || frame.empty()) return;
  for (const DeviceId device : wiring_.connected(callee)) {
    if (device != except) wiring_.push({callee, device}, frame);
  }
}

std::string CallDevices::offered_frame(const CallOffer& offer) const {
  v1::ServerFrame frame;
  auto& offered = *frame.mutable_call_offered();
  offered.set_id(offer.name.id.str());
  offered.set_from(offer.from.user.value);
  offered.set_from_device(offer.from.device.value);
  offered.set_kind(static_cast<v1::CallKind>(offer.kind));
  offered.set_offer(offer.offer);
  offered.set_ring_ms(static_cast<std::uint32_t>(
      std::max<std::int64_t>(0, offer.ring_until_ms - wiring_.clock.steady_ms())));
  return frame.SerializeAsString();
}

bool CallDevices::connected(const CallParty& party) const {
  const std::vector<DeviceId> devices = wiring_.connected(party.user);
  return std::find(devices.begin(), devices.end(), party.device) != devices.end();
}

CallDevices::InCall* CallDevices::find(const CallParty& party, const CallName& name) {
  const auto calls = devices_.find(party);
  if (calls == devices_.end()) return nullptr;
  const auto it = std::find_if(calls->second.begin(), calls->second.end(),
                               [&](const InCall& call) { return call.name == name; });
  return it != calls->second.end() ? &*it : nullptr;
}

bool CallDevices::has_room(const CallParty& party) const {
  const auto calls = devices_.find(party);
  return calls == devices_.end() || calls->second.size() < kMaxCalls;
}

void CallDevices::enter(const CallParty& party, const CallName& name, std::vector<std::string> kept,
                        const std::function<void()>& reply) {
  InCall* call = find(party, name);
  if (call == nullptr) call = &devices_[party].emplace_back(InCall{name, false, {}, 0});
  reply();
  call->here = connected(party);
  if (call->here) {
    for (const std::string& frame : kept) wiring_.push(party, frame);
    for (const std::string& frame : call->kept) wiring_.push(party, frame);
    return release_kept(*call);
  }
  for (std::string& frame : kept) {
    call->kept_bytes += frame.size();
    buffered_.Increment(static_cast<double>(frame.size()));
    call->kept.push_back(std::move(frame));
  }
  wiring_.at_chat(name.chat, [party, name](CallService& calls) { calls.lost(name, party); });
}

void CallDevices::leave(const CallParty& party, const CallName& name, const std::string& frame) {
  InCall* call = find(party, name);
  if (call == nullptr) return;
  // A device that is back, but has not resumed yet, is told as well.
  if (!frame.empty() && connected(party)) wiring_.push(party, frame);
  release_kept(*call);
  const auto calls = devices_.find(party);
  std::erase_if(calls->second, [&](const InCall& one) { return one.name == name; });
  if (calls->second.empty()) devices_.erase(calls);
}

Status CallDevices::deliver(const CallParty& party, const CallName& name, std::string frame, What what) {
  InCall* call = find(party, name);
  if (call == nullptr) return Errc::call_not_found;
  if (call->here) {
    wiring_.push(party, frame);
    return Unit{};
  }
  if (what == What::state) return Unit{};
  if (what == What::signal && call->kept_bytes + frame.size() > options_.max_buffered_bytes) {
    return Error(Errc::overloaded, "too much waits for the device already");
  }
  call->kept_bytes += frame.size();
  buffered_.Increment(static_cast<double>(frame.size()));
  call->kept.push_back(std::move(frame));
  return Unit{};
}

void CallDevices::release_kept(InCall& call) {
  buffered_.Decrement(static_cast<double>(call.kept_bytes));
  call.kept = {};
  call.kept_bytes = 0;
}

void CallDevices::device_live(UserId user, DeviceId device) {
  const auto rings = rings_.find(user);
  if (rings == rings_.end()) return;
  offers_.Increment(static_cast<double>(rings->second.size()));
  for (const CallOffer& offer : rings->second) wiring_.push({user, device}, offered_frame(offer));
}

void CallDevices::device_gone(UserId user, DeviceId device) {
  const CallParty party{user, device};
  const auto calls = devices_.find(party);
  if (calls == devices_.end()) return;
  std::vector<CallName> names;
  for (InCall& call : calls->second) {
    if (std::exchange(call.here, false)) names.push_back(call.name);
  }
  for (const CallName& name : names) {
    wiring_.at_chat(name.chat, [party, name](CallService& service) { service.lost(name, party); });
  }
}

}  // namespace godwit
