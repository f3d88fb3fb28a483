// The requests that carry a proof by the device key; auth/proof.h has what is signed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/cli/account.h"
#include "tools/cli/link_payload.h"

namespace godwit::v1 {
class ClientFrame;
enum PresenceState : int;
}  // namespace godwit::v1

namespace godwit::cli {

// `nonce` is that of the Challenge of the connection that the frame goes to.
v1::ClientFrame make_hello(const Account& account, std::string_view nonce,
                           std::optional<std::uint64_t> cursor, std::uint32_t keepalive_s,
                           std::string_view client, v1::PresenceState presence);
v1::ClientFrame make_refresh(const Account& account, std::string_view nonce);
v1::ClientFrame make_register(const Account& account, std::string_view nonce, std::string_view handle,
                              std::string_view invite, std::string_view code);
v1::ClientFrame make_link_begin(const Account& account, std::string_view nonce);
v1::ClientFrame make_link_approve(const Account& account, const LinkPayload& payload);
v1::ClientFrame make_delete_account(const Account& account, std::string_view nonce);

// The token must be renewed before a Hello at this time of the server.
bool token_outdated(const Account& account, std::int64_t server_now_ms);

}  // namespace godwit::cli
