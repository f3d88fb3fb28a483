#include "tools/cli/handshake.h"

#include "godwit.pb.h"

namespace godwit::cli {
namespace {

// A token about to expire may do so on its way.
constexpr std::int64_t kTokenMarginMs = 15'000;

}  // namespace

v1::ClientFrame make_hello(const Account& account, std::string_view nonce,
                           std::optional<std::uint64_t> cursor, std::uint32_t keepalive_s,
                           std::string_view client, v1::PresenceState presence) {
  v1::ClientFrame frame;
  v1::Hello& hello = *frame.mutable_hello();
  hello.set_token(account.token);
  hello.set_signature(account.key().sign(auth::hello_input(nonce, account.token)));
  if (cursor) hello.set_cursor(*cursor);
  hello.set_keepalive_s(keepalive_s);
  hello.set_client(std::string(client));
  hello.set_presence(presence);
  return frame;
}

v1::ClientFrame make_refresh(const Account& account, std::string_view nonce) {
  v1::ClientFrame frame;
  v1::RefreshToken& refresh = *frame.mutable_refresh_token();
  refresh.set_user_id(account.user.value);
  refresh.set_device_id(account.device.value);
  refresh.set_signature(account.key().sign(auth::refresh_input(nonce, account.user, account.device)));
  return frame;
}

v1::ClientFrame make_register(const Account& account, std::string_view nonce, std::string_view handle,
                              std::string_view invite, std::string_view code) {
  const auth::DeviceKey key = account.key();
  v1::ClientFrame frame;
  v1::Register& request = *frame.mutable_register_();
  request.set_handle(std::string(handle));
  request.set_device_key(key.public_key);
  request.set_signature(key.sign(auth::register_input(nonce, key.public_key, handle)));
  request.set_device_name(account.device_name);
  request.set_invite(std::string(invite));
  request.set_code(std::string(code));
  return frame;
}

v1::ClientFrame make_link_begin(const Account& account, std::string_view nonce) {
  const auth::DeviceKey key = account.key();
  v1::ClientFrame frame;
  v1::LinkBegin& begin = *frame.mutable_link_begin();
  begin.set_device_key(key.public_key);
  begin.set_signature(key.sign(auth::link_begin_input(nonce, key.public_key)));
  begin.set_device_name(account.device_name);
  return frame;
}

v1::ClientFrame make_link_approve(const Account& account, const LinkPayload& payload) {
  v1::ClientFrame frame;
  v1::LinkApprove& approve = *frame.mutable_link_approve();
  approve.set_link_id(payload.link_id);
  approve.set_device_key(payload.device_key);
  approve.set_signature(
      account.key().sign(auth::link_approve_input(payload.link_id, payload.device_key, account.user)));
  return frame;
}

v1::ClientFrame make_delete_account(const Account& account, std::string_view nonce) {
  v1::ClientFrame frame;
  frame.mutable_delete_account()->set_signature(
      account.key().sign(auth::delete_account_input(nonce, account.user)));
  return frame;
}

bool token_outdated(const Account& account, std::int64_t server_now_ms) {
  return account.token.empty() || account.token_expires_ms < server_now_ms + kTokenMarginMs;
}

}  // namespace godwit::cli
