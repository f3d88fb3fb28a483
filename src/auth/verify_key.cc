#include "auth/verify_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "auth/base64url.h"
#include "base/ed25519_key.h"

namespace godwit::auth {
namespace {

constexpr std::size_t kP256Bytes = 32;
constexpr int kMaxRsaExponentBits = 32;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;
using Bignum = Handle<BIGNUM, BN_free>;

const unsigned char* bytes(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

Bignum bignum(std::string_view big_endian) {
  return Bignum(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> public_key_of(const char* type, OSSL_PARAM_BLD* builder) {
  const Handle<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(builder));
  const Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  const bool made = params && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  ERR_clear_error();
  return made ? std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free) : nullptr;
}

// RFC 7518 section 3.4 writes R and S side by side; OpenSSL wants the DER of RFC 3279.
std::vector<unsigned char> ecdsa_der(std::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return {};
  const Handle<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
  Bignum r = bignum(signature.substr(0, kP256Bytes));
  Bignum s = bignum(signature.substr(kP256Bytes));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());  // owned by `pair` now
  static_cast<void>(s.release());
  const int length = i2d_ECDSA_SIG(pair.get(), nullptr);
  if (length <= 0) return {};
  std::vector<unsigned char> der(static_cast<std::size_t>(length));
  unsigned char* out = der.data();
  i2d_ECDSA_SIG(pair.get(), &out);
  return der;
}

bool verify_sha256(EVP_PKEY* key, std::string_view input, const unsigned char* signature,
                   std::size_t length) {
  const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  // For RSA the default padding is PKCS #1 v1.5, which is what RS256 means (RFC 7518 section 3.3).
  const bool good = context &&
                    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), signature, length, bytes(input), input.size()) == 1;
  ERR_clear_error();  // a forged signature must leave nothing behind for TLS on this thread to stumble over
  return good;
}

}  // namespace

std::optional<Algorithm> algorithm_from_name(std::string_view name) {
  for (const auto algorithm : {Algorithm::eddsa, Algorithm::es256, Algorithm::rs256}) {
    if (name == algorithm_name(algorithm)) return algorithm;
  }
  return std::nullopt;
}

std::string_view algorithm_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::eddsa:
      return "EdDSA";
    case Algorithm::es256:
      return "ES256";
    case Algorithm::rs256:
      return "RS256";
  }
  return {};
}

std::optional<VerifyKey> VerifyKey::ed25519(std::string kid, std::string_view x) {
  if (x.size() != kEd25519KeyBytes) return std::nullopt;
  VerifyKey key;
  key.kid_ = std::move(kid);
  key.algorithm_ = Algorithm::eddsa;
  key.first_ = x;
  return key;
}

std::optional<VerifyKey> VerifyKey::ec_p256(std::string kid, std::string_view x, std::string_view y) {
  if (x.size() != kP256Bytes || y.size() != kP256Bytes) return std::nullopt;
  std::string point("\x04");  // uncompressed (SEC 1 section 2.3.3); OpenSSL checks that it is on the curve
  point.append(x).append(y);
  const Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1) {
    return std::nullopt;
  }
  VerifyKey key;
  key.evp_ = public_key_of("EC", builder.get());
  if (!key.evp_) return std::nullopt;
  key.kid_ = std::move(kid);
  key.algorithm_ = Algorithm::es256;
  key.first_ = x;
  key.second_ = y;
  return key;
}

std::optional<VerifyKey> VerifyKey::rsa(std::string kid, std::string_view modulus,
                                        std::string_view exponent) {
  if (modulus.size() > kMaxRsaBits / 8 || exponent.empty() || exponent.size() > kMaxRsaExponentBits / 8) {
    return std::nullopt;
  }
  const Bignum n = bignum(modulus);
  const Bignum e = bignum(exponent);
  if (!n || !e || BN_num_bits(n.get()) < static_cast<int>(kMinRsaBits) || BN_is_odd(n.get()) == 0 ||
      BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) == 1) {
    return std::nullopt;
  }
  const Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return std::nullopt;
  }
  VerifyKey key;
  key.evp_ = public_key_of("RSA", builder.get());
  if (!key.evp_) return std::nullopt;
  key.kid_ = std::move(kid);
  key.algorithm_ = Algorithm::rs256;
  key.first_ = modulus;
  key.second_ = exponent;
  return key;
}

bool VerifyKey::verify(std::string_view input, std::string_view signature) const {
  switch (algorithm_) {
    case Algorithm::eddsa:
      return verify_ed25519(first_, input, signature);
    case Algorithm::es256: {
      const auto der = ecdsa_der(signature);
      return !der.empty() && verify_sha256(evp_.get(), input, der.data(), der.size());
    }
    case Algorithm::rs256:
      return verify_sha256(evp_.get(), input, bytes(signature), signature.size());
  }
  return false;
}

std::string VerifyKey::required_members() const {
  const std::string first = base64url_encode(first_);
  const std::string second = base64url_encode(second_);
  switch (algorithm_) {
    case Algorithm::eddsa:
      return R"("crv":"Ed25519","kty":"OKP","x":")" + first + '"';
    case Algorithm::es256:
      return R"("crv":"P-256","kty":"EC","x":")" + first + R"(","y":")" + second + '"';
    case Algorithm::rs256:
      return R"("e":")" + second + R"(","kty":"RSA","n":")" + first + '"';
  }
  return {};
}

std::string VerifyKey::jwk_json() const {
  std::string out("{");
  out.append(required_members()).append(R"(,"use":"sig","alg":")").append(algorithm_name(algorithm_));
  out.append(R"(","kid":)");
  out.append(nlohmann::json(kid_).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return out.append("}");
}

std::string VerifyKey::thumbprint() const {
  std::string canonical("{");
  canonical.append(required_members()).append("}");
  std::string hash(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()), bytes(canonical), canonical.size());
  return base64url_encode(hash);
}

std::string ed25519_thumbprint(std::string_view public_key) {
  const auto key = VerifyKey::ed25519({}, public_key);
  return key ? key->thumbprint() : std::string();
}

}  // namespace godwit::auth
