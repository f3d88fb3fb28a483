// A public key of an issuer, tied to the one algorithm that may be used with it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace godwit::auth {

// The signature algorithms of RFC 7518 and RFC 8037 that are accepted. There is no "none" and no HMAC: a
// public key must never serve as a shared secret.
enum class Algorithm { eddsa, es256, rs256 };

// "EdDSA", "ES256", "RS256"; anything else is nothing.
std::optional<Algorithm> algorithm_from_name(std::string_view name);
std::string_view algorithm_name(Algorithm algorithm);

// Immutable, cheap to copy, and usable from several threads at once.
class VerifyKey {
 public:
  static constexpr std::size_t kMinRsaBits = 2048;
  static constexpr std::size_t kMaxRsaBits = 8192;

  // Each gives nothing when the key is malformed: a wrong length, a point off the curve, an RSA modulus
  // outside 2048..8192 bits, an even, trivial or over-long RSA exponent. Integers are big endian (RFC 7518
  // section 6).
  static std::optional<VerifyKey> ed25519(std::string kid, std::string_view x);
  static std::optional<VerifyKey> ec_p256(std::string kid, std::string_view x, std::string_view y);
  static std::optional<VerifyKey> rsa(std::string kid, std::string_view modulus, std::string_view exponent);

  const std::string& kid() const { return kid_; }
  Algorithm algorithm() const { return algorithm_; }

  // True when `signature` (in the form of RFC 7515: 64 bytes for EdDSA and ES256, the modulus' length for
  // RS256) is that of `input`.
  bool verify(std::string_view input, std::string_view signature) const;

  // The public JWK (RFC 7517): kty, parameters, use, alg and kid.
  std::string jwk_json() const;
  // SHA-256 thumbprint (RFC 7638), base64url.
  std::string thumbprint() const;

 private:
  VerifyKey() = default;
  // The members that name the key, in the canonical form of RFC 7638.
  std::string required_members() const;

  std::string kid_;
  Algorithm algorithm_ = Algorithm::eddsa;
  std::string first_;                 // raw x, or the RSA modulus
  std::string second_;                // raw y, the RSA exponent, or empty
  std::shared_ptr<evp_pkey_st> evp_;  // null for Ed25519, which libsodium verifies
};

// Thumbprint (RFC 7638, RFC 8037 appendix A.3) of an Ed25519 public key, base64url: what `cnf.jkt` holds.
std::string ed25519_thumbprint(std::string_view public_key);

}  // namespace godwit::auth
