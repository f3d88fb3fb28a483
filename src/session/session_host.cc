#include "session/session_host.h"

#include <boost/intrusive/list.hpp>
#include <string>

#include "godwit.pb.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr int kNotedPerTurn = 64;

}  // namespace

SessionProbe::SessionProbe(Metrics& metrics)
    : frames(metrics.counter("godwit_requests_total", "Frames received from clients")),
      logins(metrics.counter("godwit_logins_total", "Hellos accepted")),
      logins_refused(metrics.counter("godwit_logins_refused_total", "Hellos refused")),
      delivered(metrics.counter("godwit_envelopes_delivered_total", "Envelopes sent to devices")),
      catch_up_pages(metrics.counter("godwit_catch_up_pages_total", "Pages of inboxes read from the store")),
      gaps(metrics.counter("godwit_gaps_total", "Losses by retention told to devices")),
      window_full(metrics.counter("godwit_window_full_total", "Times delivery waited for an acknowledgement")),
      live(metrics.gauge("godwit_sessions_live", "Authenticated connections")),
      contacts_found(metrics.counter("godwit_contacts_found_total", "Users found by a hash of their handle")),
      exports(metrics.counter("godwit_exports_total", "Archives of accounts begun")),
      export_parts(metrics.counter("godwit_export_parts_total", "Parts of archives handed out")),
      typing(metrics.counter("godwit_typing_notices_total", "Typing notices passed on, one for each device")),
      ice_credentials(metrics.counter("godwit_ice_credentials_total", "Lists of STUN and TURN servers handed out")) {
  for (const ErrorInfo& info : error_table()) {
    errors[static_cast<std::size_t>(info.code)] = &metrics.counter(
        "godwit_errors_total", "Errors answered, by code", {{"code", std::string(info.name)}});
  }
}

struct SessionHost::Sessions {
  boost::intrusive::list<Session, boost::intrusive::constant_time_size<false>> list;
};

SessionHost::SessionHost(unsigned i, Router& r, const Clock& c, const Store& s, ReaderPool& pool,
                         const Authenticator& a, CodeSender* sender, SessionProbe& p, const SessionOptions& options)
    : index(i),
      router(r),
      clock(c),
      store(s),
      readers(pool),
      auth(a),
      codes(sender),
      probe(p),
      in(std::make_unique<v1::ClientFrame>()),
      out(std::make_unique<v1::ServerFrame>()),
      options_(options),
      sessions_(std::make_unique<Sessions>()) {}

SessionHost::~SessionHost() = default;

void SessionHost::add(Session& session) {
  session.noted_at_ms = clock.steady_ms();
  sessions_->list.push_back(session);
}

// The list is in order of noted_at_ms: who was noted goes to its end.
void SessionHost::end_turn() {
  auto& list = sessions_->list;
  if (list.empty()) return;
  const std::int64_t now = clock.steady_ms();
  for (int i = 0; i < kNotedPerTurn; ++i) {
    Session& session = list.front();
    if (now - session.noted_at_ms < options_.last_seen_interval_ms) return;
    session.note_seen();
    session.noted_at_ms = now;
    list.splice(list.end(), list, list.begin());
  }
}

void SessionHost::remove(Session& session) {
  session.unlink();
}

void SessionHost::drain() {
  draining_ = true;
  // A session that is told leaves the list only when its connection has ended, which is never at once.
  for (Session& session : sessions_->list) session.drain();
}

std::uint32_t SessionHost::admit_login() {
  const std::uint32_t share = std::max(1U, options_.logins.per_s / router.workers());
  const std::uint32_t burst = std::max(1U, options_.logins.burst / router.workers());
  return logins_.take(clock.steady_ms(), options_.logins.per_s == 0 ? 0 : share, burst);
}

}  // namespace godwit
