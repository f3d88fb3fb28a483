// The accounts that the sessions log in to, and the file that keeps them between runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "auth/proof.h"
#include "godwit/ids.h"

namespace godwit::bench {

// Constant once registered, but for the token, which its session renews.
struct Account {
  std::string handle;
  UserId user;
  DeviceId device;
  auth::DeviceKey key = auth::DeviceKey::generate();
  std::string token;
  std::int64_t token_expires_ms = 0;

  bool registered() const { return static_cast<bool>(user); }
};

// One line an account: handle, user id, device id, seed in hex, expiry of the token in ms since the epoch,
// token. It holds private keys, so it is created for its owner alone. Throws std::runtime_error for a file
// that exists and cannot be read; without a file, or a name, there are no accounts.
std::vector<Account> load_accounts(const std::string& file);
// Replaces the file as a whole. Accounts without a user id are left out. Throws std::runtime_error.
void save_accounts(const std::string& file, const std::vector<Account>& accounts);

}  // namespace godwit::bench
