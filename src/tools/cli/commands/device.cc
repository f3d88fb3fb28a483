// devices, device rename, link, approve, revoke.
#include <nlohmann/json.hpp>
#include <optional>

#include "auth/base64url.h"
#include "auth/proof.h"
#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/device_view.h"
#include "tools/cli/format.h"
#include "tools/cli/handshake.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

// Learns the handle of the account that the device was linked to.
void learn_handle(Context& context, Profile& profile) {
  CommandSession session(context, profile, Login::device);
  session.connect();
  profile.account->handle = session.find_user(format_user_id(profile.account->user)).handle;
  profile.save_account();
  session.close();
}

void show_offer(Context& context, const v1::LinkOffer& offer, const std::string& payload) {
  context.out.result(payload,
                     {{"type", "link_offer"}, {"payload", payload}, {"expires_s", offer.expires_s()}});
  context.out.note("approve this device on one that is linked already: godwit-cli approve '" + payload +
                   "' (within " + std::to_string(offer.expires_s()) + " s)");
}

}  // namespace

ExitCode run_devices(Context& context) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  show_devices(session);
  session.close();
  return ExitCode::ok;
}

ExitCode run_link(Context& context, const std::string& device_name) {
  const auto profile = open_new_account(context, device_name);
  std::optional<v1::Linked> linked;
  ClientEvents events;
  events.linked = [&](const v1::Linked& push) { linked = push; };
  {
    CommandSession session(context, *profile, Login::none, std::move(events));
    session.connect();
    const auto reply = session.call(make_link_begin(*profile->account, session.client().nonce()),
                                    v1::ServerFrame::kLinkOffer, Retry::no);
    const v1::LinkOffer& offer = reply.link_offer();
    show_offer(context, offer, format_link_payload({offer.link_id(), profile->account->key().public_key}));
    const Deadline expiry = std::chrono::steady_clock::now() + std::chrono::seconds(offer.expires_s());
    // The offer lives and dies with its connection.
    session.wait([&] { return linked || !session.client().ready(); }, expiry, "approval");
    if (!linked) throw CommandError(session.client().last_problem());
    session.close();
  }
  Account& account = *profile->account;
  account.user = UserId(linked->user_id());
  account.device = DeviceId(linked->device_id());
  account.token = linked->token();
  account.token_expires_ms = linked->token_expires_ms();
  profile->save_account();
  learn_handle(context, *profile);
  context.out.result(
      "linked to " + sanitize(account.handle) + " as device " + std::to_string(account.device.value),
      {{"type", "linked"},
       {"handle", account.handle},
       {"user_id", std::to_string(account.user.value)},
       {"device_id", account.device.value}});
  return ExitCode::ok;
}

ExitCode run_approve(Context& context, const std::string& payload) {
  const auto parsed = parse_link_payload(payload);
  if (!parsed) throw CommandError(ExitCode::usage, "usage", "not a link payload (godwit-link:1:...)");
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const auto reply =
      session.call(make_link_approve(*profile->account, *parsed), v1::ServerFrame::kLinkApproved, Retry::no);
  session.close();
  const std::uint32_t device = reply.link_approved().device_id();
  context.out.result("approved: it is device " + std::to_string(device),
                     {{"type", "link_approved"}, {"device_id", device}});
  return ExitCode::ok;
}

ExitCode run_revoke(Context& context, std::uint32_t device) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  frame.mutable_revoke_device()->set_device_id(device);
  session.call(frame, v1::ServerFrame::kDone, Retry::no);
  session.close();
  context.out.result("device " + std::to_string(device) + " is signed out for good",
                     {{"type", "revoked"}, {"device_id", device}});
  return ExitCode::ok;
}

ExitCode run_rename_device(Context& context, std::uint32_t device, const std::string& name) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  frame.mutable_rename_device()->set_device_id(device);
  frame.mutable_rename_device()->set_name(name);
  session.call(frame, v1::ServerFrame::kDone, Retry::yes);
  if (DeviceId(device) == profile->account->device) {
    profile->account->device_name = name;
    profile->save_account();
  }
  session.close();
  context.out.result("device " + std::to_string(device) + " is now called " + sanitize(name),
                     {{"type", "device_renamed"}, {"device_id", device}, {"name", name}});
  return ExitCode::ok;
}

}  // namespace godwit::cli
