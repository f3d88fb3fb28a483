// Calls in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "godwit.pb.h"

namespace godwit::cli {

// "audio" or "video".
std::string_view call_kind_name(v1::CallKind kind);
// "calling", "ringing", "active" or "ended": for programs.
std::string_view call_phase_name(v1::CallPhase phase);
// "hung_up", "rejected", "busy", "cancelled", "not_answered", "elsewhere", "failed", "lost", "too_long";
// "goes_on": for programs.
std::string_view call_end_name(v1::CallEndReason reason);
// The same for people, behind "the call is over: ".
std::string_view call_end_text(v1::CallEndReason reason);
// "candidates", "new_offer", "new_answer" or "info": for programs.
std::string_view signal_name(v1::CallSignalKind kind);

// "0:07", "12:30" or "1:02:03".
std::string call_time(std::uint32_t seconds);

// What remains of a call, behind the name of who called: "made a call of 12:30", "made a video call: not
// answered", "began a call", "began a call, which 3 were in for 12:30".
std::string call_record_text(const v1::CallRecord& record);

}  // namespace godwit::cli
