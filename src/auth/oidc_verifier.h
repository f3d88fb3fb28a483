// Access tokens of an external OpenID Connect issuer, which can replace the embedded one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "auth/jwt.h"
#include "auth/key_set.h"
#include "godwit/result.h"

namespace godwit::auth {

// Verifies against a snapshot of the issuer's keys (RFC 7517), which a thread of its own refreshes: at the
// start, at intervals, and soon after a token names a key that is not in it. A failed refresh keeps the old
// snapshot and is tried again, at first after `min_refresh_gap_ms` and then less and less often.
//
// verify may be called from any thread and never waits for the network. The destructor waits for a fetch that
// is under way, so the fetch must have a deadline.
class OidcVerifier {
 public:
  // Gets a document by URL: the body of a 200 answer, or why there is none. Called from the refresh thread
  // only.
  using Fetch = std::function<Result<std::string>(const std::string& url)>;

  struct Options {
    std::string issuer;    // `iss`, exactly
    std::string audience;  // `aud`
    // Where the keys are. Empty: what issuer + "/.well-known/openid-configuration" says (OpenID Connect
    // Discovery 1.0 section 4).
    std::string jwks_url;
    std::string handle_claim = "preferred_username";  // falls back to `sub`
    std::int64_t refresh_interval_ms = 3'600'000;
    // Whatever strangers send, no more fetches than one in this time.
    std::int64_t min_refresh_gap_ms = 10'000;
    std::int64_t leeway_s = kDefaultLeewayS;
  };

  struct Stats {
    std::uint64_t refreshes = 0;  // successful ones
    std::uint64_t failures = 0;
    std::size_t keys = 0;  // in the present snapshot
  };

  // Starts the refresh. Throws std::runtime_error when the options make no sense.
  OidcVerifier(Options options, Fetch fetch);
  ~OidcVerifier();
  OidcVerifier(const OidcVerifier&) = delete;
  OidcVerifier& operator=(const OidcVerifier&) = delete;

  // Claims with `external` and `handle` set, and the bound key where the issuer gives one (cnf.jkt or
  // cnf.jwk). Errors: token_expired; token_invalid, with retry_after_ms when the key is unknown and a refresh
  // may bring it.
  Result<Claims> verify(std::string_view token, std::int64_t now_s);

  // Whether there are keys to verify with; for readiness.
  bool ready() const;
  Stats stats() const;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  void run();
  Result<KeySet> fetch_keys();
  Result<std::string> discover();
  SteadyTime next_attempt_locked() const;
  Error unknown_key();

  const Options options_;
  const TokenPolicy policy_;
  const Fetch fetch_;

  mutable std::mutex mutex_;  // guards what follows; never held during a fetch
  std::condition_variable wake_;
  std::shared_ptr<const KeySet> keys_;
  Stats stats_;
  std::uint32_t failures_in_a_row_ = 0;
  bool attempted_ = false;
  bool wanted_ = false;  // a token named an unknown key since the last attempt
  bool stopping_ = false;
  SteadyTime last_attempt_;

  std::thread thread_;  // last, so that it starts when all else stands
};

}  // namespace godwit::auth
