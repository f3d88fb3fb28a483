#include "auth/key_set.h"

#include <algorithm>

#include "auth/base64url.h"
#include "auth/strict_json.h"

namespace godwit::auth {
namespace {

using nlohmann::json;

constexpr int kMaxJwksDepth = 8;
constexpr std::size_t kMaxKidBytes = 256;

// The decoded bytes of a member, or an empty string, which no key takes.
std::string bytes_member(const json& jwk, const char* name) {
  const std::string* text = string_member(jwk, name);
  if (text == nullptr) return {};
  return base64url_decode(*text).value_or(std::string());
}

bool is_for_signatures(const json& jwk) {
  if (jwk.contains("use")) {
    const std::string* use = string_member(jwk, "use");
    if (use == nullptr || *use != "sig") return false;
  }
  const auto operations = jwk.find("key_ops");
  if (operations == jwk.end()) return true;
  return operations->is_array() &&
         std::any_of(operations->begin(), operations->end(), [](const json& operation) {
           return operation.is_string() && operation.get_ref<const std::string&>() == "verify";
         });
}

std::optional<VerifyKey> key_of_type(const json& jwk, const std::string& kid) {
  const std::string* kty = string_member(jwk, "kty");
  const std::string* crv = string_member(jwk, "crv");
  if (kty == nullptr) return std::nullopt;
  if (*kty == "OKP" && crv != nullptr && *crv == "Ed25519") {
    return VerifyKey::ed25519(kid, bytes_member(jwk, "x"));
  }
  if (*kty == "EC" && crv != nullptr && *crv == "P-256") {
    return VerifyKey::ec_p256(kid, bytes_member(jwk, "x"), bytes_member(jwk, "y"));
  }
  if (*kty == "RSA") return VerifyKey::rsa(kid, bytes_member(jwk, "n"), bytes_member(jwk, "e"));
  return std::nullopt;
}

std::optional<VerifyKey> usable_key(const json& jwk) {
  if (!jwk.is_object() || !is_for_signatures(jwk)) return std::nullopt;
  const std::string* kid = string_member(jwk, "kid");
  if (kid == nullptr || kid->empty() || kid->size() > kMaxKidBytes) return std::nullopt;
  auto key = key_of_type(jwk, *kid);
  if (key && jwk.contains("alg")) {
    const std::string* alg = string_member(jwk, "alg");
    if (alg == nullptr || *alg != algorithm_name(key->algorithm())) return std::nullopt;
  }
  return key;
}

}  // namespace

Result<KeySet> KeySet::parse(std::string_view text) {
  if (text.size() > kMaxJsonBytes) return Error(Errc::too_large, "the key set is too large");
  const auto document = parse_strict_object(text, kMaxJwksDepth);
  if (!document) return Error(Errc::invalid_argument, "the key set is not a JSON object");
  const auto keys = document->find("keys");
  if (keys == document->end() || !keys->is_array()) {
    return Error(Errc::invalid_argument, "the key set has no array of keys");
  }
  if (keys->size() > kMaxKeys) return Error(Errc::too_large, "the key set has too many keys");
  KeySet set;
  for (const json& jwk : *keys) {
    if (auto key = usable_key(jwk)) set.add(std::move(*key));
  }
  return set;
}

bool KeySet::add(VerifyKey key) {
  if (keys_.size() >= kMaxKeys) return false;
  std::string kid = key.kid();
  return keys_.emplace(std::move(kid), std::move(key)).second;
}

const VerifyKey* KeySet::find(std::string_view kid) const {
  const auto it = keys_.find(kid);
  return it == keys_.end() ? nullptr : &it->second;
}

std::string KeySet::to_json() const {
  std::string out = R"({"keys":[)";
  const char* separator = "";
  for (const auto& [kid, key] : keys_) {
    out.append(separator).append(key.jwk_json());
    separator = ",";
  }
  return out.append("]}");
}

}  // namespace godwit::auth
