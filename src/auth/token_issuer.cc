#include "auth/token_issuer.h"

#include <sodium.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "auth/key_ring.h"
#include "auth/key_set.h"
#include "base/secret_file.h"
#include "base/log.h"
#include "base/random.h"

namespace godwit::auth {
namespace {

constexpr std::size_t kTokenIdBytes = 16;

TokenIssuer::Options checked(TokenIssuer::Options options) {
  if (options.issuer.empty() || options.audience.empty()) {
    throw std::runtime_error("the token issuer needs a name and an audience");
  }
  if (options.ttl_s <= 0 || options.leeway_s < 0) {
    throw std::runtime_error("the life of a token must be positive, and its leeway not negative");
  }
  if (options.rotate_after_s < options.ttl_s) {
    throw std::runtime_error("signing keys must live at least as long as tokens");
  }
  return options;
}

Status save(const std::string& path, const KeyRing& ring) {
  std::string text = ring.render();
  Status status = write_secret_file(path, text);
  sodium_memzero(text.data(), text.size());
  return status;
}

KeyRing load_or_create(const std::string& path, std::int64_t now_s) {
  auto file = read_secret_file(path);
  if (!file) throw std::runtime_error(file.error().detail);
  if (!file->exists) {
    KeyRing ring = KeyRing::create(now_s);
    if (const Status status = save(path, ring); !status) throw std::runtime_error(status.error().detail);
    return ring;
  }
  if (file->was_open_to_others) {
    log_warning("token_key_file_was_readable_by_others", {{"path", path}});
  }
  auto ring = KeyRing::parse(file->content);
  sodium_memzero(file->content.data(), file->content.size());
  if (!ring) throw std::runtime_error(path + ": " + ring.error().detail);
  return std::move(ring).value();
}

}  // namespace

// What readers share: never changes once published.
struct TokenIssuer::Snapshot {
  explicit Snapshot(KeyRing r) : ring(std::move(r)) {
    keys.add(VerifyKey::ed25519(ring.kid, ring.key->public_key).value());
    for (const RetiredKey& old : ring.retired) keys.add(VerifyKey::ed25519(old.kid, old.public_key).value());
    jwks = keys.to_json();
    encoded_header =
        base64url_encode(nlohmann::json{{"alg", "EdDSA"}, {"typ", "at+jwt"}, {"kid", ring.kid}}.dump());
  }

  // Null when the key is unknown, or retired for so long that it is only waiting to be pruned.
  const VerifyKey* key_for(const std::string& kid, std::int64_t now_s) const {
    for (const RetiredKey& old : ring.retired) {
      if (old.kid == kid && now_s >= old.verify_until_s) return nullptr;
    }
    return keys.find(kid);
  }

  KeyRing ring;
  KeySet keys;
  std::string jwks;
  std::string encoded_header;
};

TokenIssuer::TokenIssuer(Options options, std::int64_t now_s)
    : options_(checked(std::move(options))),
      policy_{options_.issuer, options_.audience, options_.leeway_s, /*external=*/false, {}} {
  init_crypto();
  current_ = std::make_shared<const Snapshot>(load_or_create(options_.key_file, now_s));
}

TokenIssuer::~TokenIssuer() = default;

std::shared_ptr<const TokenIssuer::Snapshot> TokenIssuer::snapshot() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void TokenIssuer::publish(std::shared_ptr<const Snapshot> next) {
  const std::lock_guard lock(mutex_);
  current_.swap(next);
}

std::string TokenIssuer::issue(UserId user, DeviceId device, std::string_view device_key,
                               std::int64_t now_s) const {
  if (device_key.size() != kEd25519KeyBytes) return {};
  const auto snap = snapshot();
  const nlohmann::json claims = {
      {"iss", options_.issuer},
      {"aud", options_.audience},
      {"sub", std::to_string(user.value)},
      {"did", device.value},
      {"cnf", {{"jwk", {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base64url_encode(device_key)}}}}},
      {"iat", now_s},
      {"exp", now_s + options_.ttl_s},
      {"jti", base64url_encode(random_bytes(kTokenIdBytes))},
  };
  const std::string input = snap->encoded_header + "." + base64url_encode(claims.dump());
  return input + "." + base64url_encode(snap->ring.key->sign(input));
}

Result<Claims> TokenIssuer::verify(std::string_view token, std::int64_t now_s) const {
  const auto parts = split_token(token);
  if (!parts) return parts.error();
  const auto snap = snapshot();
  const VerifyKey* key = snap->key_for(parts->kid, now_s);
  if (key == nullptr) return Error(Errc::token_invalid, "the key is unknown");
  return verify_token(*parts, *key, policy_, now_s);
}

std::string TokenIssuer::jwks_json() const {
  return snapshot()->jwks;
}

bool TokenIssuer::rotate_if_due(std::int64_t now_s) {
  const std::lock_guard rotation(rotation_);
  const auto snap = snapshot();
  KeyRing next = snap->ring.pruned(now_s);
  const bool due = next.is_due(now_s, options_.rotate_after_s);
  if (!due && next.retired.size() == snap->ring.retired.size()) return false;
  if (due) next = next.rotated(now_s, now_s + options_.ttl_s + options_.leeway_s);
  if (const Status status = save(options_.key_file, next); !status) {
    log_error("token_key_rotation_failed", {{"reason", status.error().detail}});
    return false;
  }
  if (due) log_info("token_key_rotated", {{"kid", next.kid}, {"retired", next.retired.size()}});
  publish(std::make_shared<const Snapshot>(std::move(next)));
  return due;
}

}  // namespace godwit::auth
