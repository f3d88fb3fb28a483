#include "auth/oidc_verifier.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "auth/strict_json.h"
#include "base/log.h"
#include "base/random.h"

namespace godwit::auth {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxDiscoveryBytes = std::size_t{64} * 1024;
constexpr int kMaxDiscoveryDepth = 8;
// Time for the fetch itself, in the hint to clients: when they come back the keys should be there.
constexpr std::int64_t kFetchTimeMs = 1000;
constexpr std::uint32_t kMaxBackoffDoublings = 10;

bool is_http_url(const std::string& url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

OidcVerifier::Options checked(OidcVerifier::Options options) {
  if (options.issuer.empty() || options.audience.empty() || options.handle_claim.empty()) {
    throw std::runtime_error("an external issuer needs a name, an audience and a handle claim");
  }
  if (!is_http_url(options.jwks_url.empty() ? options.issuer : options.jwks_url)) {
    throw std::runtime_error("the external issuer has no http(s) URL to get its keys from");
  }
  if (options.min_refresh_gap_ms <= 0 || options.refresh_interval_ms < options.min_refresh_gap_ms ||
      options.leeway_s < 0) {
    throw std::runtime_error("the refresh interval of the external issuer's keys is too short");
  }
  return options;
}

}  // namespace

OidcVerifier::OidcVerifier(Options options, Fetch fetch)
    : options_(checked(std::move(options))),
      policy_{options_.issuer, options_.audience, options_.leeway_s, /*external=*/true,
              options_.handle_claim},
      fetch_(std::move(fetch)),
      keys_(std::make_shared<const KeySet>()) {
  init_crypto();
  thread_ = std::thread([this] { run(); });
}

OidcVerifier::~OidcVerifier() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<Claims> OidcVerifier::verify(std::string_view token, std::int64_t now_s) {
  const auto parts = split_token(token);
  if (!parts) return parts.error();
  std::shared_ptr<const KeySet> keys;
  {
    const std::lock_guard lock(mutex_);
    keys = keys_;
  }
  const VerifyKey* key = keys->find(parts->kid);
  if (key == nullptr) return unknown_key();
  return verify_token(*parts, *key, policy_, now_s);
}

bool OidcVerifier::ready() const {
  const std::lock_guard lock(mutex_);
  return !keys_->empty();
}

OidcVerifier::Stats OidcVerifier::stats() const {
  const std::lock_guard lock(mutex_);
  Stats out = stats_;
  out.keys = keys_->size();
  return out;
}

Error OidcVerifier::unknown_key() {
  std::int64_t wait_ms = 0;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    const auto wait = next_attempt_locked() - steady_clock::now();
    wait_ms = std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(wait).count());
  }
  wake_.notify_all();
  return Error(Errc::token_invalid, "the key is unknown; the issuer's keys are being fetched again",
               static_cast<std::uint32_t>(wait_ms + kFetchTimeMs));
}

OidcVerifier::SteadyTime OidcVerifier::next_attempt_locked() const {
  if (!attempted_) return SteadyTime{};
  std::int64_t pause_ms = options_.refresh_interval_ms;
  if (wanted_) {
    pause_ms = options_.min_refresh_gap_ms;
  } else if (failures_in_a_row_ > 0) {
    const std::uint32_t doublings = std::min(failures_in_a_row_ - 1, kMaxBackoffDoublings);
    pause_ms = std::min(pause_ms, options_.min_refresh_gap_ms << doublings);
  }
  return last_attempt_ + milliseconds(pause_ms);
}

void OidcVerifier::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const SteadyTime due = next_attempt_locked();
    if (steady_clock::now() < due) {
      wake_.wait_until(lock, due);
      continue;
    }
    wanted_ = false;
    attempted_ = true;
    last_attempt_ = steady_clock::now();
    lock.unlock();
    auto fetched = fetch_keys();
    lock.lock();
    if (fetched) {
      keys_ = std::make_shared<const KeySet>(std::move(fetched).value());
      ++stats_.refreshes;
      failures_in_a_row_ = 0;
    } else {
      ++stats_.failures;
      ++failures_in_a_row_;
      log_warning("oidc_refresh_failed", {{"issuer", options_.issuer}, {"reason", fetched.error().detail}});
    }
  }
}

Result<KeySet> OidcVerifier::fetch_keys() {
  std::string url = options_.jwks_url;
  if (url.empty()) {
    auto discovered = discover();
    if (!discovered) return discovered.error();
    url = std::move(discovered).value();
  }
  const auto body = fetch_(url);
  if (!body) return body.error();
  auto keys = KeySet::parse(*body);
  if (keys && keys->empty()) return Error(Errc::invalid_argument, "the key set has no usable key");
  return keys;
}

Result<std::string> OidcVerifier::discover() {
  std::string url = options_.issuer;
  while (url.ends_with('/')) url.pop_back();
  const auto body = fetch_(url + "/.well-known/openid-configuration");
  if (!body) return body.error();
  if (body->size() > kMaxDiscoveryBytes) return Error(Errc::too_large, "the discovery document is too large");
  const auto document = parse_strict_object(*body, kMaxDiscoveryDepth);
  if (!document) return Error(Errc::invalid_argument, "the discovery document is not a JSON object");
  // OpenID Connect Discovery 1.0 section 4.3: else one issuer could speak for another.
  const std::string* issuer = string_member(*document, "issuer");
  if (issuer == nullptr || *issuer != options_.issuer) {
    return Error(Errc::invalid_argument, "the discovery document is of another issuer");
  }
  const std::string* jwks = string_member(*document, "jwks_uri");
  // No step down from TLS: keys that anyone on the way can replace verify nothing.
  const bool plain_allowed = options_.issuer.starts_with("http://");
  if (jwks == nullptr ||
      !(jwks->starts_with("https://") || (plain_allowed && jwks->starts_with("http://")))) {
    return Error(Errc::invalid_argument, "the discovery document has no usable jwks_uri");
  }
  return *jwks;
}

}  // namespace godwit::auth
