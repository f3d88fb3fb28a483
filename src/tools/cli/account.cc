#include "tools/cli/account.h"

#include <sodium.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "auth/base64url.h"
#include "tools/cli/private_file.h"

namespace godwit::cli {
namespace {

constexpr int kFormat = 1;

// JSON numbers lose the low bits of 64-bit ids in some tools, so those are strings.
Account from_json(const nlohmann::json& in) {
  if (in.at("format").get<int>() != kFormat) throw std::runtime_error("its format is of another version");
  Account account;
  account.server_url = in.at("server_url").get<std::string>();
  account.ca_file = in.at("ca_file").get<std::string>();
  account.insecure = in.at("insecure").get<bool>();
  account.user = UserId(std::stoull(in.at("user_id").get<std::string>()));
  account.device = DeviceId(in.at("device_id").get<std::uint32_t>());
  account.handle = in.at("handle").get<std::string>();
  account.device_name = in.at("device_name").get<std::string>();
  account.token = in.at("token").get<std::string>();
  account.token_expires_ms = in.at("token_expires_ms").get<std::int64_t>();
  const auto seed = auth::base64url_decode(in.at("device_key_seed").get<std::string>());
  if (!seed || seed->size() != kEd25519SeedBytes) throw std::runtime_error("its device key is damaged");
  account.key_seed = *seed;
  return account;
}

}  // namespace

Account make_account(std::string server_url, std::string device_name) {
  Account account;
  account.server_url = std::move(server_url);
  account.device_name = std::move(device_name);
  account.key_seed = auth::DeviceKey::generate().seed();
  return account;
}

std::optional<Account> load_account(const std::filesystem::path& file) {
  auto text = read_private_file(file);
  if (!text) return std::nullopt;
  try {
    const auto json = nlohmann::json::parse(*text);
    sodium_memzero(text->data(), text->size());
    return from_json(json);
  } catch (const std::exception& e) {
    throw std::runtime_error(file.string() + " cannot be used: " + e.what());
  }
}

void save_account(const std::filesystem::path& file, const Account& account) {
  const nlohmann::ordered_json out = {{"format", kFormat},
                                      {"server_url", account.server_url},
                                      {"ca_file", account.ca_file},
                                      {"insecure", account.insecure},
                                      {"handle", account.handle},
                                      {"user_id", std::to_string(account.user.value)},
                                      {"device_id", account.device.value},
                                      {"device_name", account.device_name},
                                      {"device_key_seed", auth::base64url_encode(account.key_seed)},
                                      {"token", account.token},
                                      {"token_expires_ms", account.token_expires_ms}};
  write_private_file(file, out.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace godwit::cli
