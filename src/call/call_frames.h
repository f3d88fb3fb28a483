// The frames that a call pushes, encoded.
#pragma once

#include <string>
#include <vector>

#include "call/call.h"

namespace godwit {

// `peer` is the other side, as the receiver sees it.
std::string call_changed_frame(const MessageId& id, UserId peer, CallPhase phase, CallEnd reason = CallEnd::goes_on);
std::string call_answered_frame(const MessageId& id, UserId peer, DeviceId device, const std::string& answer);

// A call as `viewer` sees it: encoded v1::CallState, and the same as a push.
std::string call_state(const Call& call, UserId viewer);
std::string call_state_frame(const Call& call, UserId viewer);

// What remains: encoded v1::CallRecord. `duration_s` is 0 for what was never answered.
std::string call_record(const Call& call, CallEnd reason, std::uint32_t duration_s);

}  // namespace godwit
