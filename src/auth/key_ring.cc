#include "auth/key_ring.h"

#include <sodium.h>

#include <algorithm>

#include "auth/base64url.h"
#include "auth/strict_json.h"
#include "auth/verify_key.h"

namespace godwit::auth {
namespace {

using nlohmann::json;

constexpr std::int64_t kVersion = 1;
constexpr int kMaxDepth = 4;
// 96 bits of the thumbprint: no two keys of an issuer ever meet, and tokens stay short.
constexpr std::size_t kKidChars = 16;
constexpr std::size_t kRenderedBytes = 4096;

Error broken(const char* what) {
  return Error(Errc::internal, std::string("the key file is damaged: ") + what);
}

std::string kid_of(std::string_view public_key) {
  return ed25519_thumbprint(public_key).substr(0, kKidChars);
}

// The members kid and x of a stored key.
bool read_public(const json& jwk, std::string& kid, std::string& public_key) {
  const std::string* id = string_member(jwk, "kid");
  const std::string* x = string_member(jwk, "x");
  if (id == nullptr || id->empty() || x == nullptr) return false;
  auto bytes = base64url_decode(*x);
  if (!bytes || bytes->size() != kEd25519KeyBytes) return false;
  kid = *id;
  public_key = std::move(*bytes);
  return true;
}

std::shared_ptr<const Ed25519Key> read_secret(const json& jwk) {
  const std::string* d = string_member(jwk, "d");
  auto seed = d != nullptr ? base64url_decode(*d) : std::nullopt;
  if (!seed || seed->size() != kEd25519SeedBytes) return nullptr;
  auto key = std::make_shared<const Ed25519Key>(Ed25519Key::from_seed(*seed));
  sodium_memzero(seed->data(), seed->size());
  return key;
}

Status read_active(const json& document, KeyRing& ring) {
  const auto active = document.find("key");
  const auto created = integer_member(document, "created_s");
  if (active == document.end() || !active->is_object() || !created) return broken("no signing key");
  std::string public_key;
  if (!read_public(*active, ring.kid, public_key)) return broken("bad signing key");
  ring.key = read_secret(*active);
  if (!ring.key || ring.key->public_key != public_key) return broken("the halves of the key do not match");
  ring.created_s = *created;
  return Unit{};
}

Status read_retired(const json& document, KeyRing& ring) {
  const auto retired = document.find("retired");
  if (retired == document.end() || !retired->is_array() || retired->size() > KeyRing::kMaxRetired) {
    return broken("bad list of retired keys");
  }
  for (const json& entry : *retired) {
    RetiredKey key;
    if (!entry.is_object() || !read_public(entry, key.kid, key.public_key)) return broken("bad retired key");
    const auto until = integer_member(entry, "verify_until_s");
    if (!until) return broken("a retired key without an end");
    key.verify_until_s = *until;
    ring.retired.push_back(std::move(key));
  }
  return Unit{};
}

std::string public_members(const std::string& kid, std::string_view public_key) {
  return R"("kty":"OKP","crv":"Ed25519","kid":)" + json(kid).dump() + R"(,"x":")" +
         base64url_encode(public_key) + '"';
}

}  // namespace

KeyRing KeyRing::create(std::int64_t now_s) {
  KeyRing ring;
  ring.key = std::make_shared<const Ed25519Key>(Ed25519Key::generate());
  ring.kid = kid_of(ring.key->public_key);
  ring.created_s = now_s;
  return ring;
}

bool KeyRing::is_due(std::int64_t now_s, std::int64_t rotate_after_s) const {
  return now_s - created_s >= rotate_after_s || created_s - now_s >= rotate_after_s;
}

KeyRing KeyRing::rotated(std::int64_t now_s, std::int64_t verify_until_s) const {
  KeyRing next = create(now_s);
  next.retired = retired;
  next.retired.push_back({kid, key->public_key, verify_until_s});
  if (next.retired.size() > kMaxRetired) next.retired.erase(next.retired.begin());
  return next;
}

KeyRing KeyRing::pruned(std::int64_t now_s) const {
  KeyRing next = *this;
  std::erase_if(next.retired, [now_s](const RetiredKey& old) { return now_s >= old.verify_until_s; });
  return next;
}

std::string KeyRing::render() const {
  std::string seed = key->seed();
  std::string d = base64url_encode(seed);
  std::string out;
  out.reserve(kRenderedBytes);  // growing would leave copies of the secret behind
  out.append(R"({"version":)").append(std::to_string(kVersion));
  out.append(R"(,"created_s":)").append(std::to_string(created_s));
  out.append(R"(,"key":{)").append(public_members(kid, key->public_key));
  out.append(R"(,"d":")").append(d).append(R"("},"retired":[)");
  sodium_memzero(seed.data(), seed.size());
  sodium_memzero(d.data(), d.size());
  const char* separator = "";
  for (const RetiredKey& old : retired) {
    out.append(separator).append("{").append(public_members(old.kid, old.public_key));
    out.append(R"(,"verify_until_s":)").append(std::to_string(old.verify_until_s)).append("}");
    separator = ",";
  }
  out.append("]}\n");
  return out;
}

Result<KeyRing> KeyRing::parse(std::string_view text) {
  const auto document = parse_strict_object(text, kMaxDepth);
  if (!document) return broken("not a JSON object");
  const auto version = integer_member(*document, "version");
  if (!version || *version < 1) return broken("no version");
  if (*version > kVersion) return Error(Errc::internal, "the key file was written by a newer version");
  KeyRing ring;
  if (const Status status = read_active(*document, ring); !status) return status.error();
  if (const Status status = read_retired(*document, ring); !status) return status.error();
  return ring;
}

}  // namespace godwit::auth
