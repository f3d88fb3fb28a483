// Signs tokens as an issuer would, good and bad ones, for the tests of auth/.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/ed25519_key.h"
#include "auth/verify_key.h"

namespace godwit::auth {

inline constexpr std::int64_t kNow = 1'700'000'000;

// A key pair for one algorithm.
class TestSigner {
 public:
  static TestSigner eddsa(std::string kid);
  static TestSigner es256(std::string kid);
  static TestSigner rs256(std::string kid, unsigned bits = 2048);

  VerifyKey verify_key() const;
  std::string sign(const std::string& input) const;
  // {"alg","typ":"at+jwt","kid"}
  nlohmann::json header() const;
  std::string token(const nlohmann::json& claims) const;
  std::string token(const nlohmann::json& header, const nlohmann::json& claims) const;
  // Header and payload as they are, valid JSON or not.
  std::string raw_token(const std::string& header, const std::string& payload) const;
  // {"keys":[...]} with this key alone.
  std::string jwks() const;

 private:
  TestSigner(std::string kid, Algorithm algorithm) : kid_(std::move(kid)), algorithm_(algorithm) {}

  std::string kid_;
  Algorithm algorithm_;
  std::optional<Ed25519Key> ed_;
  std::shared_ptr<EVP_PKEY> evp_;
};

std::string hmac_sha256(const std::string& key, const std::string& input);

// A directory that is gone with its files at the end of the test.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace godwit::auth
