#include "tools/bench/session.h"

#include <algorithm>
#include <cstring>

#include "godwit.pb.h"
#include "tools/bench/varint.h"

namespace godwit::bench {
namespace {

// A token with less than this to live is renewed before it is used.
constexpr std::int64_t kTokenReserveMs = 20'000;
// Pings go out after this part of the granted keepalive.
constexpr double kKeepaliveShare = 0.6;
constexpr std::uint32_t kDefaultPauseMs = 200;

Error to_error(const v1::Error& error) {
  return {static_cast<Errc>(error.code()), error.message(), error.retry_after_ms()};
}

std::string error_name(const Error& error) {
  return std::string(error_info(error.code).name);
}

}  // namespace

void SessionUser::on_dropped(Session& session, std::uint32_t retry_after_ms) {
  session.shard().logins.add(session, retry_after_ms);
}

Session::Session(Shard& shard, Account& account, std::size_t number, SessionUser& user)
    : shard_(shard), account_(account), user_(user), connection_(shard.loop, shard.target, number, *this) {}

void Session::start() {
  ++connects_;
  state_ = State::connecting;
  caught_up_ = false;
  retry_after_ms_ = 0;
  connection_.open();
}

void Session::stop() {
  if (state_ == State::live) shard_.counters.subtract(Counter::live);
  state_ = State::idle;
  ++connects_;
  connection_.close();
}

void Session::send(std::uint64_t request_id, const MessageId& id, UserId to, std::string_view head,
                   std::string_view tail) {
  count_send(append_send(connection_.begin_write(), request_id, id, to, head, tail));
}

void Session::send_to_group(std::uint64_t request_id, const MessageId& id, const ChatId& group,
                            std::string_view head, std::string_view tail) {
  count_send(append_group_send(connection_.begin_write(), request_id, id, group, head, tail));
}

void Session::count_send(std::size_t bytes) {
  shard_.counters.add(Counter::sends);
  shard_.counters.add(Counter::send_bytes, bytes);
  wrote_ns_ = shard_.loop.now();
}

void Session::request(const v1::ClientFrame& frame) {
  connection_.write(frame.SerializeAsString());
  wrote_ns_ = shard_.loop.now();
}

void Session::on_message(std::string_view payload, std::size_t wire_bytes) {
  ServerFrameView frame;
  if (!parse_frame(payload, frame)) {
    shard_.counters.add(Counter::corrupt);
    return;
  }
  switch (frame.kind) {
    case ServerBody::sent: {
      SentView sent;
      if (!parse_sent(frame.body, sent)) shard_.counters.add(Counter::corrupt);
      shard_.counters.add(Counter::sent_bytes, wire_bytes);
      user_.on_sent(*this, frame.request_id, sent);
      return;
    }
    case ServerBody::deliver:
      shard_.counters.add(Counter::deliver_bytes, wire_bytes);
      return on_deliver(frame.body);
    case ServerBody::watermarks:
      shard_.counters.add(Counter::watermark_bytes, wire_bytes);
      return on_watermarks(frame.body);
    case ServerBody::receipt_counts:
      shard_.counters.add(Counter::receipt_pushes);
      shard_.counters.add(Counter::receipt_bytes, wire_bytes);
      return on_rare_frame(payload);
    default:
      return on_rare_frame(payload);
  }
}

void Session::on_deliver(std::string_view body) {
  FieldReader reader(body);
  EnvelopeView envelope;
  while (reader.next()) {
    if (reader.field() != 1) continue;
    if (!parse_envelope(reader.bytes(), envelope)) {
      shard_.counters.add(Counter::corrupt);
      continue;
    }
    if (envelope.seq <= cursor_) {
      shard_.counters.add(Counter::repeats);
      continue;
    }
    if (envelope.seq != cursor_ + 1) shard_.counters.add(Counter::holes, envelope.seq - cursor_ - 1);
    cursor_ = envelope.seq;
    user_.on_envelope(*this, envelope);
  }
  if (!reader.good()) shard_.counters.add(Counter::corrupt);
}

void Session::on_watermarks(std::string_view body) {
  FieldReader reader(body);
  WatermarkView watermark;
  while (reader.next()) {
    if (reader.field() == 1 && parse_watermark(reader.bytes(), watermark))
      user_.on_watermark(*this, watermark);
  }
  if (!reader.good()) shard_.counters.add(Counter::corrupt);
}

void Session::on_read_end() {
  if (state_ != State::live) return;
  if (cursor_ > acknowledged_) {
    if (shard_.options.ack_delay_ms == 0) {
      acknowledge();
    } else if (!ack_pending_) {
      ack_pending_ = true;
      shard_.loop.at(shard_.loop.now() + shard_.options.ack_delay_ms * kNsPerMs, [this] {
        ack_pending_ = false;
        if (state_ == State::live) acknowledge();
      });
    }
  }
  user_.on_read_end(*this);
}

void Session::acknowledge() {
  acknowledged_ = cursor_;
  wrote_ns_ = shard_.loop.now();
  shard_.counters.add(Counter::acks);
  shard_.counters.add(Counter::ack_bytes, append_ack(connection_.begin_write(), cursor_));
}

void Session::on_rare_frame(std::string_view payload) {
  v1::ServerFrame frame;
  if (!frame.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    shard_.counters.add(Counter::corrupt);
    return;
  }
  switch (frame.body_case()) {
    case v1::ServerFrame::kChallenge:
      if (frame.challenge().nonce().size() != nonce_.size()) return fail_login(0, true);
      std::memcpy(nonce_.data(), frame.challenge().nonce().data(), nonce_.size());
      return greet();
    case v1::ServerFrame::kToken:
      account_.token = frame.token().token();
      account_.token_expires_ms = frame.token().expires_ms();
      refresh_ = false;
      return write_hello();
    case v1::ServerFrame::kWelcome:
      return on_welcome(frame.welcome());
    case v1::ServerFrame::kError: {
      const Error error = to_error(frame.error());
      shard_.fault(error_name(error));
      if (state_ != State::live) return on_login_error(error);
      return user_.on_refused(*this, frame.request_id(), error);
    }
    case v1::ServerFrame::kCaughtUp:
      caught_up_ = true;
      return user_.on_caught_up(*this);
    case v1::ServerFrame::kGap: {
      shard_.counters.add(Counter::gaps, frame.gap().to() - frame.gap().from() + 1);
      cursor_ = acknowledged_ = frame.gap().to();
      v1::ClientFrame answer;
      answer.mutable_ack_gap()->set_to(frame.gap().to());
      connection_.write(answer.SerializeAsString());
      return;
    }
    case v1::ServerFrame::kReconnect:
      retry_after_ms_ = frame.reconnect().after_ms();
      return;
    case v1::ServerFrame::kReceiptCounts:
      return user_.on_receipt_counts(*this, frame.receipt_counts());
    default:
      return user_.on_reply(*this, frame);
  }
}

void Session::on_welcome(const v1::Welcome& welcome) {
  if (has_cursor_ && welcome.cursor() != cursor_) shard_.fault("welcome with another cursor");
  cursor_ = acknowledged_ = welcome.cursor();
  has_cursor_ = true;
  max_open_requests_ = std::max(welcome.max_open_requests(), 1U);
  keepalive_ns_ = static_cast<std::int64_t>(welcome.keepalive_s() * kKeepaliveShare * kNsPerSecond);
  state_ = State::live;
  shard_.counters.add(Counter::live);
  shard_.counters.add(Counter::logins);
  keep_alive();
  shard_.logins.on_live(*this);
  user_.on_live(*this);
}

void Session::greet() {
  if (account_.token.empty() || refresh_ || account_.token_expires_ms < shard_.wall_ms() + kTokenReserveMs) {
    write_refresh();
  } else {
    write_hello();
  }
}

void Session::write_refresh() {
  state_ = State::refreshing;
  v1::ClientFrame frame;
  frame.set_request_id(1);
  frame.mutable_refresh_token()->set_user_id(account_.user.value);
  frame.mutable_refresh_token()->set_device_id(account_.device.value);
  frame.mutable_refresh_token()->set_signature(
      account_.key.sign(auth::refresh_input({nonce_.data(), nonce_.size()}, account_.user, account_.device)));
  connection_.write(frame.SerializeAsString());
}

void Session::write_hello() {
  state_ = State::greeting;
  login.hello_ns = shard_.loop.now();
  v1::ClientFrame frame;
  frame.set_request_id(2);
  v1::Hello& hello = *frame.mutable_hello();
  hello.set_token(account_.token);
  hello.set_signature(account_.key.sign(auth::hello_input({nonce_.data(), nonce_.size()}, account_.token)));
  if (has_cursor_) hello.set_cursor(cursor_);
  hello.set_keepalive_s(shard_.options.keepalive_s);
  hello.set_client("godwit-bench");
  connection_.write(frame.SerializeAsString());
}

void Session::on_login_error(const Error& error) {
  if (error_info(error.code).retryable) return retry_greeting(error.retry_after_ms);
  const bool stale = error.code == Errc::token_expired || error.code == Errc::token_invalid;
  if (stale && state_ == State::greeting && !account_.token.empty()) {
    account_.token.clear();
    return write_refresh();
  }
  fail_login(0, true);
}

void Session::retry_greeting(std::uint32_t after_ms) {
  shard_.counters.add(Counter::login_retries);
  const std::uint32_t pause = after_ms == 0 ? kDefaultPauseMs : after_ms;
  const auto jitter = static_cast<std::uint32_t>(shard_.random.next() % (pause / 4 + 1));
  shard_.loop.at(shard_.loop.now() + (pause + jitter) * kNsPerMs, [this, connect = connects_] {
    if (connect == connects_ && (state_ == State::refreshing || state_ == State::greeting)) greet();
  });
}

void Session::fail_login(std::uint32_t retry_after_ms, bool final) {
  connection_.close();
  state_ = State::idle;
  shard_.logins.on_failed(*this, retry_after_ms, final);
}

void Session::on_closed(const CloseCause& cause) {
  shard_.fault(cause.text());
  const bool was_live = state_ == State::live;
  const std::uint32_t retry_after_ms = std::max(cause.retry_after_ms, retry_after_ms_);
  state_ = State::idle;
  caught_up_ = false;
  if (!was_live) return shard_.logins.on_failed(*this, retry_after_ms, cause.final());
  shard_.counters.subtract(Counter::live);
  shard_.counters.add(Counter::drops);
  user_.on_dropped(*this, retry_after_ms);
}

void Session::keep_alive() {
  if (keepalive_ns_ == 0) return;
  const std::int64_t silent = shard_.loop.now() - wrote_ns_;
  if (silent >= keepalive_ns_) {
    v1::ClientFrame frame;
    frame.mutable_ping();
    connection_.write(frame.SerializeAsString());
    wrote_ns_ = shard_.loop.now();
  }
  shard_.loop.at(wrote_ns_ + keepalive_ns_, [this, connect = connects_] {
    if (connect == connects_ && state_ == State::live) keep_alive();
  });
}

}  // namespace godwit::bench
