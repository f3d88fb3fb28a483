#include "call/call_frames.h"

#include "godwit.pb.h"

namespace godwit {
namespace {

void fill_state(const Call& call, UserId viewer, v1::CallState& out) {
  out.set_id(call.name.id.str());
  if (call.group) {
    out.set_chat(call.name.chat.str());
    out.set_token(call.token);
  } else {
    out.set_peer((viewer == call.callee ? call.caller.user : call.callee).value);
  }
  out.set_phase(static_cast<v1::CallPhase>(call.phase));
  out.set_kind(static_cast<v1::CallKind>(call.kind));
  out.set_caller(call.caller.user.value);
  out.set_placed_ms(call.placed_wall_ms);
  for (const Call::Participant& one : call.participants) {
    auto& added = *out.add_participants();
    added.set_user_id(one.party.user.value);
    added.set_device_id(one.party.device.value);
    added.set_joined_ms(one.joined_wall_ms);
    added.set_connected(one.connected());
  }
}

}  // namespace

std::string call_changed_frame(const MessageId& id, UserId peer, CallPhase phase, CallEnd reason) {
  v1::ServerFrame frame;
  auto& changed = *frame.mutable_call_changed();
  changed.set_id(id.str());
  changed.set_peer(peer.value);
  changed.set_phase(static_cast<v1::CallPhase>(phase));
  changed.set_reason(static_cast<v1::CallEndReason>(reason));
  return frame.SerializeAsString();
}

std::string call_answered_frame(const MessageId& id, UserId peer, DeviceId device, const std::string& answer) {
  v1::ServerFrame frame;
  auto& changed = *frame.mutable_call_changed();
  changed.set_id(id.str());
  changed.set_peer(peer.value);
  changed.set_phase(v1::ACTIVE);
  changed.set_device(device.value);
  changed.set_answer(answer);
  return frame.SerializeAsString();
}

std::string call_state(const Call& call, UserId viewer) {
  v1::CallState state;
  fill_state(call, viewer, state);
  return state.SerializeAsString();
}

std::string call_state_frame(const Call& call, UserId viewer) {
  v1::ServerFrame frame;
  fill_state(call, viewer, *frame.mutable_call_state());
  return frame.SerializeAsString();
}

std::string call_record(const Call& call, CallEnd reason, std::uint32_t duration_s) {
  v1::CallRecord record;
  record.set_id(call.name.id.str());
  record.set_kind(static_cast<v1::CallKind>(call.kind));
  record.set_reason(static_cast<v1::CallEndReason>(reason));
  record.set_duration_s(duration_s);
  if (call.group) record.set_participants(static_cast<std::uint32_t>(call.users.size()));
  return record.SerializeAsString();
}

}  // namespace godwit
