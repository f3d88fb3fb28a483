// What the sessions of one worker share.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "account/code_sender.h"
#include "auth/oidc_verifier.h"
#include "auth/token_issuer.h"
#include "base/metrics.h"
#include "godwit/clock.h"
#include "godwit/result.h"
#include "router/router.h"
#include "session/address_limits.h"
#include "session/link_board.h"
#include "session/options.h"

namespace godwit {

class Session;
namespace v1 {
class ClaimedKeys;
class ClientFrame;
class Commit;
class RemoveMessage;
class Send;
class ServerFrame;
}  // namespace v1

// Who verifies access tokens: the embedded issuer, or an external one in its place.
struct Authenticator {
  std::unique_ptr<auth::TokenIssuer> issuer;
  std::unique_ptr<auth::OidcVerifier> oidc;

  Result<auth::Claims> verify(std::string_view token, std::int64_t now_s) const {
    return oidc ? oidc->verify(token, now_s) : issuer->verify(token, now_s);
  }
};

// Shared by all workers: counting is lock-free.
struct SessionProbe {
  explicit SessionProbe(Metrics& metrics);
  Counter& frames;
  Counter& logins;
  Counter& logins_refused;
  Counter& delivered;
  Counter& catch_up_pages;
  Counter& gaps;
  Counter& window_full;
  Gauge& live;
  Counter& contacts_found;
  Counter& exports;
  Counter& export_parts;
  Counter& typing;
  Counter& ice_credentials;
  std::array<Counter*, 64> errors{};  // by wire code
};

// Owner: one worker.
class SessionHost {
 public:
  SessionHost(unsigned index, Router& router, const Clock& clock, const Store& store, ReaderPool& readers,
              const Authenticator& auth, CodeSender* codes, SessionProbe& probe, const SessionOptions& options);
  ~SessionHost();

  // After a reload; on the worker.
  void set_options(const SessionOptions& options) { options_ = options; }
  // Tells every session to reconnect elsewhere; no new ones are served. On the worker.
  void drain();
  bool draining() const { return draining_; }

  void add(Session& session);
  void remove(Session& session);

  // Notes which devices are here, a few at a time, each once per last_seen_interval_ms. End-of-turn hook.
  void end_turn();

  // Admits a login, or tells after how many milliseconds to try again.
  std::uint32_t admit_login();

  Shard& shard() { return router.shard(index); }
  Worker& worker() { return router.worker(index); }
  const SessionOptions& options() const { return options_; }

  const unsigned index;
  Router& router;
  const Clock& clock;
  const Store& store;
  ReaderPool& readers;
  const Authenticator& auth;
  CodeSender* const codes;  // null unless registration can be verified
  SessionProbe& probe;
  AddressLimits addresses;
  LinkBoard links;
  // The other workers' hosts, by index; set once before the start.
  std::vector<SessionHost*> hosts;
  // Reused for every frame that is read or written on this worker.
  std::unique_ptr<v1::ClientFrame> in;
  std::unique_ptr<v1::ServerFrame> out;

 private:
  struct Sessions;
  SessionOptions options_;
  TokenBucket logins_;
  std::unique_ptr<Sessions> sessions_;
  bool draining_ = false;
};

}  // namespace godwit
