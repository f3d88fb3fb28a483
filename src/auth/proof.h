// Proofs that a client holds its device key: what is signed, and how a signature is checked.
//
// Each input is an ASCII context string, a zero byte, then the fields one after the other. The context keeps
// a signature made for one request from passing for another; every field but the last has a fixed length, so
// that no two field lists give the same bytes. docs/protocol.md is the reference for clients.
#pragma once

#include <string>
#include <string_view>

#include "base/ed25519_key.h"
#include "godwit/ids.h"

namespace godwit::auth {

inline constexpr std::size_t kNonceBytes = 32;
inline constexpr std::size_t kLinkIdBytes = 16;

// The key of a device, as clients and tests hold it. The server only ever sees `public_key`.
using DeviceKey = Ed25519Key;

// The inputs. A fixed field of a wrong length gives an empty string, which verify_proof refuses.

// "godwit/v1/hello" \0 nonce(32) token
std::string hello_input(std::string_view nonce, std::string_view token);
// "godwit/v1/register" \0 nonce(32) device_key(32) handle
std::string register_input(std::string_view nonce, std::string_view device_key, std::string_view handle);
// "godwit/v1/refresh" \0 nonce(32) user(8, big endian) device(4, big endian)
std::string refresh_input(std::string_view nonce, UserId user, DeviceId device);
// "godwit/v1/link-begin" \0 nonce(32) device_key(32): by the new device
std::string link_begin_input(std::string_view nonce, std::string_view device_key);
// "godwit/v1/link-approve" \0 link_id(16) device_key(32) user(8, big endian): by a device already linked,
// over the key of the new one
std::string link_approve_input(std::string_view link_id, std::string_view device_key, UserId user);
// "godwit/v1/delete-account" \0 nonce(32) user(8, big endian)
std::string delete_account_input(std::string_view nonce, UserId user);

// True when `signature` (64 bytes) is that of `input` by `device_key` (32 bytes). An empty input, wrong
// lengths and keys of small order are refused.
bool verify_proof(std::string_view device_key, std::string_view input, std::string_view signature);

}  // namespace godwit::auth
