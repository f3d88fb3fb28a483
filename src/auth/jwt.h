// JSON Web Tokens (RFC 7519) in compact form (RFC 7515), read strictly: what a token of ours or of an
// external issuer says, once its signature, its issuer, its audience and its times have been checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/base64url.h"
#include "auth/verify_key.h"
#include "godwit/ids.h"
#include "godwit/result.h"

namespace godwit::auth {

inline constexpr std::size_t kMaxTokenBytes = 4096;
inline constexpr std::size_t kMaxTokenHeaderBytes = 1024;
inline constexpr std::int64_t kDefaultLeewayS = 30;

// The claims of a verified token. Times are seconds since the Unix epoch; 0 when absent.
struct Claims {
  std::string issuer;
  std::string subject;
  std::vector<std::string> audience;
  UserId user;             // embedded issuer only
  DeviceId device;         // embedded issuer only
  std::string device_key;  // 32 bytes of the bound key, from cnf.jwk (RFC 7800 section 3.2), or empty
  std::string
      key_thumbprint;  // base64url SHA-256 of the bound key, from cnf.jkt (RFC 7638, RFC 9449), or empty
  std::int64_t issued_s = 0;
  std::int64_t expires_s = 0;
  std::int64_t not_before_s = 0;
  std::string handle;     // external issuers only
  bool external = false;  // made by an external issuer: `handle` names the account, `user` and `device` are 0
};

// What a token must satisfy besides its signature.
struct TokenPolicy {
  std::string issuer;                       // `iss` must equal this
  std::string audience;                     // `aud` must be or contain this
  std::int64_t leeway_s = kDefaultLeewayS;  // how far clocks may be apart
  // False: a token of the embedded issuer, which must have typ "at+jwt" (RFC 9068), a decimal `sub`, `did`
  // and cnf.jwk. True: `handle_claim` names the account, `sub` where a token has no such claim.
  bool external = false;
  std::string handle_claim = "preferred_username";
};

// A token taken apart, not yet trusted: the signature has not been checked and the payload not been parsed.
struct UnverifiedToken {
  Algorithm algorithm = Algorithm::eddsa;  // as the header claims
  std::string kid;
  std::string type;           // header `typ` in lower case, without "application/"; empty when absent
  std::string signing_input;  // the ASCII bytes that were signed
  std::string payload;        // decoded
  std::string signature;      // decoded
};

// Takes a token apart. Refuses with token_invalid: more than 4 KiB, not three parts, anything but strict
// base64url, a header that is not one flat JSON object of distinct names, an algorithm outside `Algorithm`
// ("none", HS256...), any `crit` (RFC 7515 section 4.1.11: no extension is understood here), no `kid`.
Result<UnverifiedToken> split_token(std::string_view token);

// Checks algorithm, signature and claims. The algorithm is the key's: a header that names another is refused,
// so that no key can be used as something else than it is. Errors: token_expired when only `exp` has passed,
// token_invalid for the rest.
Result<Claims> verify_token(const UnverifiedToken& token, const VerifyKey& key, const TokenPolicy& policy,
                            std::int64_t now_s);

// Checks the payload alone. For verify_token and the fuzzer: the caller answers for the signature.
Result<Claims> check_claims(std::string_view payload, const TokenPolicy& policy, std::int64_t now_s);

// True when the token is bound to this device key, compared in constant time. A token bound to no key is
// bound to none. `device_key` has 32 bytes.
bool is_bound_to(const Claims& claims, std::string_view device_key);

}  // namespace godwit::auth
