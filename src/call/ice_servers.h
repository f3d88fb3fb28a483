// STUN and TURN servers that clients are told of, with credentials that end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "godwit/ids.h"

namespace godwit {

struct IceOptions {
  // "url" or "region url", each checked (config, format `ice`).
  std::vector<std::string> servers;
  std::string secret;  // shared with the TURN servers
  std::int64_t ttl_s = 21'600;
};

// Servers of one region with the same credentials; STUN servers have none.
struct IceServer {
  std::string region;
  std::vector<std::string> urls;
  std::string username;
  std::string credential;
};

struct IceServers {
  std::vector<IceServer> servers;
  std::int64_t expires_ms = 0;  // milliseconds since the Unix epoch; 0 without credentials
};

// Those of `region` first, else in the order of the options. The credentials are those that coturn takes with
// use-auth-secret: the server computes them again from the user name, and keeps no list.
IceServers ice_servers_for(const IceOptions& options, UserId user, std::string_view region, std::int64_t now_ms);

// base64(HMAC-SHA1(secret, username)) (RFC 2104, RFC 4648 section 4).
std::string turn_credential(std::string_view secret, std::string_view username);

}  // namespace godwit
