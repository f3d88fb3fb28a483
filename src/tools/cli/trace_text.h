// What became of a message, as a time line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/group_text.h"

namespace godwit::cli {

struct TraceStep {
  std::int64_t time_ms = 0;  // since the Unix epoch; 0 or 1: it is not known when
  std::string name;  // "sent", "accepted", "durable", "pushed", "delivered", "read", "waiting" or "seen"
  std::string user;  // the recipient; empty before there is one
  std::uint32_t device = 0;  // of the recipient; 0: it is not about one device
  std::string text;          // for people
};

// Takes the place of a time that is not known, as wide as format_exact_time().
inline constexpr std::string_view kNoTime = "          -            ";

// First what concerns everybody, then each recipient: in order of time, and what happened nobody knows when
// last.
std::vector<TraceStep> trace_steps(const v1::MessageTrace& trace, const MessageId& id, const NameOf& name_of);

// Local time with milliseconds: "2024-05-31 14:05:06.789".
std::string format_exact_time(std::int64_t wall_ms);

}  // namespace godwit::cli
