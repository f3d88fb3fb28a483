#include "tools/cli/trace_text.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace godwit::cli {
namespace {

// When the server no longer knows when.
constexpr std::int64_t kSometime = 1;

std::string position(const v1::MessageTrace& trace) {
  return "#" + std::to_string(trace.chat_seq());
}

void add_device(const v1::DeviceTrace& device, const std::string& user, std::vector<TraceStep>& steps) {
  const std::string name = user + "'s device " + std::to_string(device.device_id());
  const auto add = [&](std::int64_t time_ms, const char* step, const std::string& text) {
    steps.push_back({time_ms, step, user, device.device_id(), name + " " + text});
  };
  if (device.delivered()) {
    add(kSometime, "delivered", "has stored it");
  } else if (device.pushed()) {
    add(kSometime, "pushed", "was sent it and has not confirmed it");
  } else {
    add(kSometime, "waiting", device.online() ? "is connected and will be sent it" : "is not connected");
  }
  if (!device.delivered() && !device.online() && device.last_seen_ms() != 0) {
    add(device.last_seen_ms(), "seen", "was last connected");
  }
}

}  // namespace

std::vector<TraceStep> trace_steps(const v1::MessageTrace& trace, const MessageId& id,
                                   const NameOf& name_of) {
  std::vector<TraceStep> steps;
  steps.push_back({id.time_ms(), "sent", "", 0, "sent, by the sender's clock"});
  if (trace.accepted_ms() != 0) {
    steps.push_back({trace.accepted_ms(), "accepted", "", 0, "accepted as " + position(trace)});
  }
  if (trace.durable_ms() != 0) {
    steps.push_back({trace.durable_ms(), "durable", "", 0, "on stable storage"});
  }
  for (const v1::RecipientTrace& recipient : trace.recipients()) {
    const std::string user = name_of(UserId(recipient.user_id()));
    std::vector<TraceStep> own;
    if (recipient.delivered_ms() != 0) {
      own.push_back({recipient.delivered_ms(), "delivered", user, 0, "delivered to " + user});
    }
    if (recipient.read_ms() != 0) own.push_back({recipient.read_ms(), "read", user, 0, "read by " + user});
    if (own.empty() && recipient.devices().empty())
      own.push_back({0, "waiting", user, 0, "waits for " + user});
    for (const v1::DeviceTrace& device : recipient.devices()) add_device(device, user, own);
    std::stable_sort(own.begin(), own.end(), [](const TraceStep& a, const TraceStep& b) {
      const auto rank = [](const TraceStep& step) {
        return step.time_ms <= kSometime ? INT64_MAX : step.time_ms;
      };
      return rank(a) < rank(b);
    });
    steps.insert(steps.end(), own.begin(), own.end());
  }
  return steps;
}

std::string format_exact_time(std::int64_t wall_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm then{};
  localtime_r(&seconds, &then);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &then);
  char millis[8];
  std::snprintf(millis, sizeof millis, ".%03d", static_cast<int>(wall_ms % 1000));
  return std::string(text, length) + millis;
}

}  // namespace godwit::cli
