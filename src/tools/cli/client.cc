#include "tools/cli/client.h"

#include <algorithm>
#include <chrono>

#include "base/random.h"
#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/handshake.h"
#include "tools/cli/wire.h"

namespace godwit::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kAbnormal = 1006;
constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint32_t kAnonymousKeepaliveS = 20;
constexpr milliseconds kSaveDelay{1000};

Failure connection_failure(std::string name, std::string text) {
  return {ExitCode::connection, std::move(name), std::move(text), true};
}

}  // namespace

Client::Client(EventLoop& loop, Profile& profile, ClientOptions options, ClientEvents events)
    : loop_(loop),
      profile_(profile),
      options_(std::move(options)),
      events_(std::move(events)),
      policy_(random_below),
      presence_(v1::OFFLINE),
      reconnect_timer_(loop),
      keepalive_timer_(loop),
      resend_timer_(loop),
      save_timer_(loop) {}

Client::~Client() {
  if (transport_) transport_->abandon();
}

void Client::start() {
  if (ended()) connect();
}

void Client::stop() {
  if (std::exchange(stopping_, true)) return;
  reconnect_timer_.cancel();
  save_timer_.cancel();
  if (options_.authenticate) profile_.save_state();
  if (transport_) {
    transport_->close(kNormal);
  } else {
    phase_ = Phase::stopped;
  }
}

std::int64_t Client::server_now_ms() const {
  return SystemClock().wall_ms() + profile_.state.clock_skew_ms;
}

void Client::connect() {
  phase_ = Phase::connecting;
  TransportHandlers handlers;
  handlers.received = [this](std::string_view bytes) { on_message(bytes); };
  handlers.ended = [this](const TransportEnd& end) { on_end(end); };
  transport_ = open_transport(loop_, options_.transport, std::move(handlers));
  last_received_ = std::chrono::steady_clock::now();
  keepalive_s_ = kAnonymousKeepaliveS;
  keep_alive();
}

void Client::on_end(const TransportEnd& end) {
  const std::string name = close_name(end.code);
  policy_.on_hint(end.retry_after_ms);
  on_lost(end.code, connection_failure(name, end.reason.empty() ? name : end.reason));
}

// `code` decides what follows, `problem` is what the user is told.
void Client::on_lost(std::uint16_t code, const Failure& problem) {
  const bool was_ready = ready();
  transport_.reset();
  keepalive_timer_.cancel();
  resend_timer_.cancel();
  caught_up_ = false;
  refreshed_ = false;
  phase_ = Phase::waiting;
  last_problem_ = problem;
  fail_pending(connection_failure(problem.name, problem.text));
  sending_ = false;
  reporting_reads_.clear();
  if (options_.authenticate) profile_.save_state();
  if (failure_ || stopping_) {
    phase_ = Phase::stopped;
    return;
  }
  const ReconnectDecision decision = policy_.on_closed(code);
  if (!decision.again) {
    Failure final = problem;
    final.exit = ExitCode::server;
    return give_up(std::move(final));
  }
  if (was_ready) notice("connection lost (" + problem.text + "), coming back");
  reconnect_timer_.start(decision.wait, [this] { connect(); });
}

void Client::give_up(Failure failure) {
  if (!failure_) failure_ = std::move(failure);
  if (transport_) {
    transport_->close(kNormal);
  } else {
    phase_ = Phase::stopped;
  }
}

// Ends the connection from our side and comes back by the usual way.
void Client::drop_connection(const Failure& problem) {
  if (!transport_) return;
  transport_->abandon();
  policy_.on_hint(problem.retry_after_ms);
  on_lost(kAbnormal, problem);
}

void Client::on_message(std::string_view bytes) {
  last_received_ = std::chrono::steady_clock::now();
  const auto frame = decode_frame(bytes, options_.transport.json);
  if (!frame) {
    notice("the server sent something that is not a frame");
    transport_->close(kProtocolError);
    return;
  }
  if (frame->body_case() == v1::ServerFrame::kChallenge) return on_challenge(*frame);
  if (frame->request_id() != 0) return resolve(*frame);
  on_push(*frame);
}

void Client::on_challenge(const v1::ServerFrame& frame) {
  if (phase_ != Phase::connecting || failure_ || stopping_) return;
  nonce_ = frame.challenge().nonce();
  profile_.state.clock_skew_ms = frame.challenge().server_time_ms() - SystemClock().wall_ms();
  if (!options_.authenticate) {
    phase_ = Phase::ready;
    return;
  }
  phase_ = Phase::greeting;
  if (token_outdated(*profile_.account, server_now_ms())) {
    refresh_token();
  } else {
    greet();
  }
}

void Client::refresh_token() {
  refreshed_ = true;
  transmit_request(make_refresh(*profile_.account, nonce_),
                   [this](const v1::ServerFrame* reply, const Failure* failure) {
                     if (failure != nullptr) return on_hello_refused(*failure);
                     profile_.account->token = reply->token().token();
                     profile_.account->token_expires_ms = reply->token().expires_ms();
                     profile_.save_account();
                     greet();
                   });
}

void Client::greet() {
  const auto cursor = cursor_reset_ ? std::nullopt : profile_.state.cursor;
  transmit_request(make_hello(*profile_.account, nonce_, cursor, options_.keepalive_s,
                              options_.transport.user_agent, presence_),
                   [this](const v1::ServerFrame* reply, const Failure* failure) {
                     if (failure != nullptr) return on_hello_refused(*failure);
                     on_welcome(reply->welcome());
                   });
}

void Client::on_hello_refused(const Failure& failure) {
  if (failure.exit == ExitCode::connection) return;  // on_end() deals with it
  const bool token_trouble = failure.name == "token_expired" || failure.name == "token_invalid";
  if (token_trouble && !refreshed_) return refresh_token();
  const bool cursor_trouble = failure.name == "cursor_ahead" || failure.name == "cursor_behind";
  if (cursor_trouble && !cursor_reset_) {
    // One side was restored from a backup. The server decides; the user is told (on_welcome).
    cursor_reset_ = true;
    return greet();
  }
  if (!failure.retryable) return give_up(failure);
  notice("the server refused the connection for now (" + failure.name + ")");
  drop_connection(failure);
}

void Client::on_welcome(const v1::Welcome& welcome) {
  if (failure_ || stopping_) return;
  policy_.on_welcome();
  phase_ = Phase::ready;
  keepalive_s_ = welcome.keepalive_s() != 0 ? welcome.keepalive_s() : kAnonymousKeepaliveS;
  max_payload_bytes_ = welcome.max_payload_bytes();
  ProfileState& state = profile_.state;
  if (cursor_reset_) {
    notice(
        "the server and this device disagree about what was delivered; going on from where the server is. "
        "`history` shows what may be missing here");
    cursor_reset_ = false;
    state.cursor = welcome.cursor();
    profile_.save_state();
  } else if (!state.cursor) {
    state.cursor = welcome.cursor();
  }
  acknowledged_ = welcome.cursor();
  keep_alive();
  send_next();
  report_reads();
  if (events_.connected) events_.connected();
}

void Client::set_presence(v1::PresenceState state) {
  presence_ = state;
  if (!ready() || !options_.authenticate) return;
  v1::ClientFrame frame;
  frame.mutable_set_presence()->set_state(state);
  transmit_request(std::move(frame), [this](const v1::ServerFrame*, const Failure* failure) {
    if (failure != nullptr && failure->exit == ExitCode::server) {
      notice("the server did not take the presence: " + failure->name);
    }
  });
}

void Client::request(v1::ClientFrame frame, ReplyHandler handler) {
  if (!ready()) return handler(nullptr, &last_problem_);
  transmit_request(std::move(frame), std::move(handler));
}

void Client::transmit_request(v1::ClientFrame frame, ReplyHandler handler) {
  if (!transport_) return handler(nullptr, &last_problem_);
  frame.set_request_id(next_request_id_);
  pending_.emplace(next_request_id_++, std::move(handler));
  transmit(frame);
}

void Client::transmit(v1::ClientFrame& frame) {
  if (!transport_) return;
  last_sent_ = std::chrono::steady_clock::now();
  transport_->send(encode_frame(frame, options_.transport.json));
}

void Client::resolve(const v1::ServerFrame& frame) {
  const auto found = pending_.find(frame.request_id());
  if (found == pending_.end()) return;
  const ReplyHandler handler = std::move(found->second);
  pending_.erase(found);
  if (!frame.has_error()) return handler(&frame, nullptr);
  const Failure failure = failure_of(frame.error());
  policy_.on_hint(failure.retry_after_ms);
  handler(nullptr, &failure);
}

void Client::fail_pending(const Failure& failure) {
  const auto pending = std::exchange(pending_, {});
  for (const auto& [id, handler] : pending) handler(nullptr, &failure);
}

void Client::keep_alive() {
  const milliseconds interval = milliseconds(seconds(keepalive_s_)) / 2;
  keepalive_timer_.start(interval, [this, interval] {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_received_ > interval * 4) {
      return drop_connection(connection_failure("keepalive_timeout", "the server is silent"));
    }
    if (phase_ == Phase::ready && now - last_sent_ >= interval) {
      v1::ClientFrame frame;
      frame.mutable_ping();
      transmit_request(std::move(frame), [](const v1::ServerFrame*, const Failure*) {});
    }
    keep_alive();
  });
}

void Client::notice(const std::string& text) {
  if (events_.notice) events_.notice(text);
}

void Client::save_soon() {
  save_timer_.start(kSaveDelay, [this] { profile_.save_state(); });
}

}  // namespace godwit::cli
