// MLS key packages as devices publish them.
#pragma once

#include <cstdint>
#include <string>

#include "base/ed25519_key.h"
#include "godwit.pb.h"
#include "tools/bench/account.h"

namespace godwit::bench {

// An encoded KeyPackage (RFC 9420, section 10) of suite 1, good for 90 days from `now_s`; nobody has its private keys.
std::string make_key_package(const Ed25519Key& identity, const Account& account, std::int64_t now_s);
// The fields of PublishKeys that make `identity` that of the account's device.
void set_identity(const Ed25519Key& identity, const Account& account, v1::PublishKeys& keys);

}  // namespace godwit::bench
