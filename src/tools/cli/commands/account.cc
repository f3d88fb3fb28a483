// register, request-code, whoami, lookup, delete-account.
#include <sodium.h>

#include <nlohmann/json.hpp>

#include "auth/base64url.h"
#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/format.h"
#include "tools/cli/handshake.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

nlohmann::ordered_json account_json(const char* type, const Account& account) {
  return {{"type", type},
          {"handle", account.handle},
          {"user_id", std::to_string(account.user.value)},
          {"device_id", account.device.value},
          {"device_name", account.device_name},
          {"device_key", auth::base64url_encode(account.key().public_key)},
          {"server", account.server_url}};
}

}  // namespace

ExitCode run_register(Context& context, const RegisterOptions& options) {
  const auto profile = open_new_account(context, options.device_name);
  CommandSession session(context, *profile, Login::none);
  session.connect();
  const auto reply = session.call(make_register(*profile->account, session.client().nonce(), options.handle,
                                                options.invite, options.code),
                                  v1::ServerFrame::kRegistered, Retry::no);
  Account& account = *profile->account;
  account.user = UserId(reply.registered().user_id());
  account.device = DeviceId(reply.registered().device_id());
  account.handle = options.handle;
  account.token = reply.registered().token();
  account.token_expires_ms = reply.registered().token_expires_ms();
  profile->save_account();
  session.close();
  context.out.result("registered " + sanitize(account.handle) + " as user " +
                         std::to_string(account.user.value) + ", device " +
                         std::to_string(account.device.value),
                     account_json("registered", account));
  return ExitCode::ok;
}

ExitCode run_request_code(Context& context, const std::string& handle) {
  const auto profile = open_profile(context);
  CommandSession session(context, *profile, Login::none);
  session.connect();
  v1::ClientFrame frame;
  frame.mutable_request_code()->set_handle(handle);
  const v1::CodeSent sent = session.call(frame, v1::ServerFrame::kCodeSent, Retry::no).code_sent();
  session.close();
  context.out.result(
      "a code is on its way, good for " + std::to_string(sent.expires_s()) + " s; another after " +
          std::to_string(sent.retry_after_s()) + " s",
      {{"type", "code_sent"}, {"expires_s", sent.expires_s()}, {"retry_after_s", sent.retry_after_s()}});
  return ExitCode::ok;
}

ExitCode run_whoami(Context& context) {
  const auto profile = open_account(context);
  const Account& account = *profile->account;
  if (context.out.json()) {
    context.out.emit(account_json("whoami", account));
    return ExitCode::ok;
  }
  context.out.line("handle      " + sanitize(account.handle));
  context.out.line("user        " + std::to_string(account.user.value));
  context.out.line("device      " + std::to_string(account.device.value) + " (" +
                   sanitize(account.device_name) + ")");
  context.out.line("device key  " + auth::base64url_encode(account.key().public_key));
  context.out.line("server      " + sanitize(account.server_url));
  context.out.line("profile     " + profile->dir().string());
  return ExitCode::ok;
}

ExitCode run_lookup(Context& context, const std::string& name) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const Contact contact = session.find_user(name);
  session.close();
  context.out.result(
      sanitize(contact.handle) + " is user " + std::to_string(contact.user.value),
      {{"type", "user"}, {"handle", contact.handle}, {"user_id", std::to_string(contact.user.value)}});
  return ExitCode::ok;
}

ExitCode run_delete_account(Context& context, bool yes) {
  if (!yes) {
    throw CommandError(ExitCode::usage, "usage",
                       "this deletes the account and every message in it: add --yes");
  }
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  session.call(make_delete_account(*profile->account, session.client().nonce()), v1::ServerFrame::kDone,
               Retry::no);
  session.close();
  const std::string handle = profile->account->handle;
  profile->erase();
  context.out.result(
      "the account " + sanitize(handle) + " is deleted, and its files in " + profile->dir().string(),
      {{"type", "account_deleted"}, {"handle", handle}});
  return ExitCode::ok;
}

}  // namespace godwit::cli
