#include "test_tokens.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <filesystem>
#include <stdexcept>

#include "auth/base64url.h"

namespace godwit::auth {
namespace {

std::string big_number(EVP_PKEY* key, const char* name) {
  BIGNUM* n = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &n) != 1) throw std::runtime_error("no such parameter");
  std::string out(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
  BN_bn2bin(n, reinterpret_cast<unsigned char*>(out.data()));
  BN_free(n);
  return out;
}

std::string padded(std::string s, std::size_t size) {
  return std::string(size - s.size(), '\0') + s;
}

std::string ecdsa_pair(const std::string& der) {
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size()));
  std::string out(64, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + 32, 32);
  ECDSA_SIG_free(pair);
  return out;
}

std::shared_ptr<EVP_PKEY> owned(EVP_PKEY* key) {
  if (key == nullptr) throw std::runtime_error("no key");
  return std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free);
}

}  // namespace

TestSigner TestSigner::eddsa(std::string kid) {
  TestSigner signer(std::move(kid), Algorithm::eddsa);
  signer.ed_.emplace(Ed25519Key::generate());
  return signer;
}

TestSigner TestSigner::es256(std::string kid) {
  TestSigner signer(std::move(kid), Algorithm::es256);
  signer.evp_ = owned(EVP_EC_gen("prime256v1"));
  return signer;
}

TestSigner TestSigner::rs256(std::string kid, unsigned bits) {
  TestSigner signer(std::move(kid), Algorithm::rs256);
  signer.evp_ = owned(EVP_RSA_gen(bits));
  return signer;
}

VerifyKey TestSigner::verify_key() const {
  switch (algorithm_) {
    case Algorithm::eddsa:
      return VerifyKey::ed25519(kid_, ed_->public_key).value();
    case Algorithm::es256:
      return VerifyKey::ec_p256(kid_, padded(big_number(evp_.get(), OSSL_PKEY_PARAM_EC_PUB_X), 32),
                                padded(big_number(evp_.get(), OSSL_PKEY_PARAM_EC_PUB_Y), 32))
          .value();
    case Algorithm::rs256:
      return VerifyKey::rsa(kid_, big_number(evp_.get(), OSSL_PKEY_PARAM_RSA_N),
                            big_number(evp_.get(), OSSL_PKEY_PARAM_RSA_E))
          .value();
  }
  throw std::logic_error("unreachable");
}

std::string TestSigner::sign(const std::string& input) const {
  if (ed_) return ed_->sign(input);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, evp_.get());
  EVP_DigestSign(context, nullptr, &size, bytes, input.size());
  std::string out(size, '\0');
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes, input.size());
  out.resize(size);
  EVP_MD_CTX_free(context);
  return algorithm_ == Algorithm::es256 ? ecdsa_pair(out) : out;
}

nlohmann::json TestSigner::header() const {
  return {{"alg", std::string(algorithm_name(algorithm_))}, {"typ", "at+jwt"}, {"kid", kid_}};
}

std::string TestSigner::token(const nlohmann::json& claims) const {
  return token(header(), claims);
}

std::string TestSigner::token(const nlohmann::json& header, const nlohmann::json& claims) const {
  return raw_token(header.dump(), claims.dump());
}

std::string TestSigner::raw_token(const std::string& header, const std::string& payload) const {
  const std::string input = base64url_encode(header) + "." + base64url_encode(payload);
  return input + "." + base64url_encode(sign(input));
}

std::string TestSigner::jwks() const {
  return R"({"keys":[)" + verify_key().jwk_json() + "]}";
}

std::string hmac_sha256(const std::string& key, const std::string& input) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(input.data()), input.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "godwit-auth-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace godwit::auth
