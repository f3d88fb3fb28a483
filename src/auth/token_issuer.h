// The embedded issuer: access tokens (RFC 9068) for devices, bound to the device's key (RFC 7800).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "auth/jwt.h"
#include "godwit/ids.h"
#include "godwit/result.h"

namespace godwit::auth {

// Signs with one Ed25519 key at a time, kept with its retired predecessors in one file of mode 0600. A token
// has
//   header  {"alg":"EdDSA","typ":"at+jwt","kid":...}
//   claims  iss, aud, sub (user id, decimal), did (device id), cnf.jwk (device key), iat, exp, jti.
//
// Every member may be called from any thread. Readers take a snapshot that rotation replaces; what they hold
// stays valid and unchanged, and the lock is only held to copy a pointer. rotate_if_due writes to disk: call
// it from a background thread, once a minute or so.
class TokenIssuer {
 public:
  struct Options {
    std::string issuer = "godwit";    // `iss`
    std::string audience = "godwit";  // `aud`
    std::string key_file;             // the one file; its directory must exist
    std::int64_t ttl_s = 900;         // life of a token
    std::int64_t leeway_s = kDefaultLeewayS;
    std::int64_t rotate_after_s = std::int64_t{7} * 24 * 3600;  // life of a signing key; at least ttl_s
  };

  // Loads the key file, or makes a first key and writes it. Throws std::runtime_error when that fails, when
  // the file is damaged, or when the options make no sense.
  TokenIssuer(Options options, std::int64_t now_s);
  ~TokenIssuer();

  // A token for the device, valid from `now_s` for the configured time. `device_key` has 32 bytes; anything
  // else gives an empty string, which no verifier takes.
  std::string issue(UserId user, DeviceId device, std::string_view device_key, std::int64_t now_s) const;

  // Errors: token_expired, token_invalid. About 50 us, the cost of the Ed25519 check; an unknown key or a
  // malformed token costs far less.
  Result<Claims> verify(std::string_view token, std::int64_t now_s) const;

  // The public keys, for /.well-known/jwks.json.
  std::string jwks_json() const;

  // Makes a new signing key when the present one is old enough, and drops retired keys whose last token has
  // expired. The new key signs only once it is on disk; when that fails it is logged, the old key goes on,
  // and the next call tries again. True when there is a new signing key.
  bool rotate_if_due(std::int64_t now_s);

  const Options& options() const { return options_; }

 private:
  struct Snapshot;

  std::shared_ptr<const Snapshot> snapshot() const;
  void publish(std::shared_ptr<const Snapshot> next);

  const Options options_;
  const TokenPolicy policy_;
  std::mutex rotation_;       // one rotation at a time; held while writing
  mutable std::mutex mutex_;  // guards current_; held for a pointer copy only
  std::shared_ptr<const Snapshot> current_;
};

}  // namespace godwit::auth
