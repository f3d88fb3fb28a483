#include "tools/cli/device_view.h"

#include <nlohmann/json.hpp>

#include "auth/base64url.h"
#include "auth/proof.h"
#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/format.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

// "first", "valid", "invalid", or "unknown" when the approving device is gone and its key with it.
std::string approval_of(const v1::Device& device, const v1::Devices& all, UserId user) {
  if (device.approved_by() == 0) return "first";
  for (const v1::Device& approver : all.devices()) {
    if (approver.device_id() != device.approved_by()) continue;
    const std::string input = auth::link_approve_input(device.approval_link_id(), device.device_key(), user);
    const bool good = auth::verify_proof(approver.device_key(), input, device.approval_signature());
    return good ? "valid" : "invalid";
  }
  return "unknown";
}

std::string device_line(const v1::Device& device, const std::string& approval) {
  std::string line = std::to_string(device.device_id()) + "  " + sanitize(device.name());
  line += "  since " + format_time(device.created_ms(), SystemClock().wall_ms());
  if (device.approved_by() != 0) {
    line += "  approved by " + std::to_string(device.approved_by()) + " (signature " + approval + ")";
  }
  if (!device.online() && device.last_seen_ms() != 0) {
    line += "  last seen " + format_time(device.last_seen_ms(), SystemClock().wall_ms());
  }
  if (device.online()) line += "  online";
  if (device.current()) line += "  this device";
  return line;
}

}  // namespace

void show_devices(CommandSession& session) {
  v1::ClientFrame frame;
  frame.mutable_list_devices();
  const auto reply = session.call(frame, v1::ServerFrame::kDevices, Retry::yes);
  for (const v1::Device& device : reply.devices().devices()) {
    const std::string approval = approval_of(device, reply.devices(), session.self());
    session.out().result(device_line(device, approval),
                         {{"type", "device"},
                          {"device_id", device.device_id()},
                          {"name", device.name()},
                          {"device_key", auth::base64url_encode(device.device_key())},
                          {"created_ms", device.created_ms()},
                          {"online", device.online()},
                          {"current", device.current()},
                          {"last_seen_ms", device.last_seen_ms()},
                          {"approved_by", device.approved_by()},
                          {"approval", approval}});
  }
}

}  // namespace godwit::cli
