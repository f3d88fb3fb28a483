#include "call/ice_servers.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

namespace godwit {

std::string turn_credential(std::string_view secret, std::string_view username) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(username.data()), username.size(), mac.data(), &size);
  std::array<unsigned char, 4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1> text{};
  const int length = EVP_EncodeBlock(text.data(), mac.data(), static_cast<int>(size));
  return std::string(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length));
}

IceServers ice_servers_for(const IceOptions& options, UserId user, std::string_view region, std::int64_t now_ms) {
  IceServers result;
  const std::int64_t expires_s = now_ms / 1000 + options.ttl_s;
  const std::string username = std::to_string(expires_s) + ":" + std::to_string(user.value);
  const std::string credential = turn_credential(options.secret, username);
  for (const std::string& item : options.servers) {
    const std::size_t space = item.find(' ');
    const std::string where = space == std::string::npos ? std::string() : item.substr(0, space);
    const std::string url = space == std::string::npos ? item : item.substr(space + 1);
    const bool turn = url.starts_with("turn");
    const auto group = std::find_if(result.servers.begin(), result.servers.end(), [&](const IceServer& one) {
      return one.region == where && one.username.empty() != turn;
    });
    IceServer& server = group != result.servers.end() ? *group : result.servers.emplace_back(IceServer{where, {}, {}, {}});
    server.urls.push_back(url);
    if (!turn) continue;
    server.username = username;
    server.credential = credential;
    result.expires_ms = expires_s * 1000;
  }
  std::stable_partition(result.servers.begin(), result.servers.end(),
                        [&](const IceServer& one) { return !region.empty() && one.region == region; });
  return result;
}

}  // namespace godwit
