// The account of a profile, as account.json keeps it: who the user is, which device this is, its key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "auth/proof.h"
#include "godwit/ids.h"

namespace godwit::cli {

struct Account {
  std::string server_url;
  std::string ca_file;    // trust for wss://; empty: the system's
  bool insecure = false;  // accept any certificate, on loopback only
  UserId user;            // 0 until registered or linked
  DeviceId device;
  std::string handle;
  std::string device_name;
  std::string key_seed;  // of the Ed25519 device key, 32 bytes: the secret of this file
  std::string token;     // empty: must be refreshed
  std::int64_t token_expires_ms = 0;

  bool registered() const { return static_cast<bool>(user); }
  auth::DeviceKey key() const { return auth::DeviceKey::from_seed(key_seed); }
};

// A new device with a fresh key, not yet known to any server.
Account make_account(std::string server_url, std::string device_name);

// Nothing when the file is missing. Throws std::runtime_error when it is damaged.
std::optional<Account> load_account(const std::filesystem::path& file);
void save_account(const std::filesystem::path& file, const Account& account);

}  // namespace godwit::cli
