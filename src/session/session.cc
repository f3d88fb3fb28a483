#include "session/session.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "godwit.pb.h"
#include "protocol/codec.h"
#include "session/large_frame.h"

namespace godwit {
namespace {

constexpr std::uint8_t kMaxBadFrames = 8;
constexpr std::uint32_t kMaxRefusedInARow = 1'000;

v1::Registration wire_registration(RegistrationMode mode) {
  switch (mode) {
    case RegistrationMode::open:
      return v1::OPEN;
    case RegistrationMode::invite:
      return v1::INVITE;
    case RegistrationMode::verified:
      return v1::VERIFIED;
    case RegistrationMode::closed:
      return v1::CLOSED;
  }
  return v1::CLOSED;
}

}  // namespace

Session::Session(Link& link, SessionHost& host)
    : link_(link), anchor_(std::make_shared<SessionAnchor>()), host_(&host) {
  anchor_->worker = &host.worker();
  anchor_->session = this;
  host.add(*this);
}

Session::~Session() {
  leave();
  anchor_->session = nullptr;
}

void Session::on_open() {
  if (host_->draining()) return drain();
  const std::string nonce = random_bytes(nonce_.size());
  std::copy(nonce.begin(), nonce.end(), nonce_.begin());
  v1::ServerFrame& frame = begin(0);
  auto& challenge = *frame.mutable_challenge();
  challenge.set_nonce(nonce);
  challenge.set_server_time_ms(host_->clock.wall_ms());
  challenge.set_registration(wire_registration(host_->options().registration));
  send(frame);
}

void Session::on_message(std::span<char> payload) {
  if (state_ == State::closed) return;
  host_->probe.frames.Increment();
  if (state_ == State::live) note_heard();
  const bool large = payload.size() > kSmallFrameBytes;
  if (large && !admit_large({payload.data(), payload.size()})) return;
  Request& frame = *host_->in;
  frame.Clear();
  const bool parsed = link_.peer().text ? parse_json({payload.data(), payload.size()}, frame)
                                        : frame.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
  if (!parsed) return bad_frame("not a ClientFrame");
  dispatch(frame, large);
}

void Session::on_drained() {
  if (state_ != State::live) return;
  if (std::exchange(marks_missed_, false)) send_marks_since(inbox_->cursor(device_).value_or(sent_));
  deliver();
}

void Session::on_closed(CloseReason reason) {
  if (state_ == State::live) {
    log_debug("session_closed", {{"user", user_}, {"device", device_}, {"reason", close_info(reason).name}});
  }
  leave();
}

void Session::on_push(std::string_view frame, bool droppable) {
  if (state_ != State::live) return;
  if (droppable && congested()) return;
  send_encoded(frame);
}

bool Session::congested() const {
  return link_.unsent_bytes() >= host_->options().output_budget_bytes;
}

void Session::on_ejected(CloseReason reason) {
  close(reason);
}

void Session::drain() {
  if (state_ == State::closed) return;
  v1::ServerFrame& frame = begin(0);
  const SessionOptions& options = host_->options();
  frame.mutable_reconnect()->set_after_ms(options.reconnect_after_ms + random_below(options.reconnect_jitter_ms));
  send(frame);
  close(CloseReason::draining);
}

void Session::close(CloseReason reason) {
  if (state_ == State::closed) return;
  leave();
  link_.close(reason);
}

// Gives back what a live session holds. Afterwards nothing reaches the client any more.
void Session::leave() {
  if (state_ == State::live) {
    note_seen();
    host_->shard().presence().leave(user_, device_);
    host_->shard().registry().remove(user_, *this);
    host_->shard().calls().devices().device_gone(user_, device_);
    account_->unpin();
    inbox_->unpin();
    host_->probe.live.Decrement();
  }
  end_offer();
  state_ = State::closed;
  unacked_.clear();
}

void Session::note_seen() {
  if (state_ != State::live) return;
  host_->shard().accounts().device_seen(*account_, device_);
  host_->shard().presence().note_present(user_);
}

v1::ServerFrame& Session::begin(std::uint64_t request_id) {
  v1::ServerFrame& frame = *host_->out;
  frame.Clear();
  frame.set_request_id(request_id);
  return frame;
}

void Session::send(const v1::ServerFrame& frame) {
  if (state_ == State::closed) return;
  if (link_.peer().text) {
    const std::string text = to_json(frame);
    link_.start_message(text.size()).append(text);
  } else {
    const std::size_t size = frame.ByteSizeLong();
    frame.AppendToString(&link_.start_message(size));
  }
}

void Session::send_encoded(std::string_view encoded) {
  if (state_ == State::closed) return;
  if (!link_.peer().text) {
    link_.start_message(encoded.size()).append(encoded);
    return;
  }
  v1::ServerFrame& frame = begin(0);
  if (frame.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) send(frame);
}

void Session::answer(const v1::ServerFrame& frame) {
  if (frame.request_id() != 0 && open_requests_ > 0) --open_requests_;
  send(frame);
}

void Session::answer_done(std::uint64_t request_id) {
  if (request_id == 0) return;
  v1::ServerFrame& frame = begin(request_id);
  frame.mutable_done();
  answer(frame);
}

void Session::answer_error(std::uint64_t request_id, const Error& error) {
  const ErrorInfo& info = error_info(error.code);
  host_->probe.errors[static_cast<std::size_t>(info.code)]->Increment();
  v1::ServerFrame& frame = begin(request_id);
  auto& body = *frame.mutable_error();
  body.set_code(static_cast<v1::ErrorCode>(info.code));
  body.set_message(error.detail.empty() ? std::string(info.text) : error.detail);
  body.set_retryable(info.retryable);
  body.set_retry_after_ms(error.retry_after_ms);
  if (error.more != nullptr) {
    if (error.more->epoch) body.set_epoch(*error.more->epoch);
    const auto name = [](const std::vector<DeviceName>& devices, auto* out) {
      for (const auto& [user, device] : devices) {
        auto& added = *out->Add();
        added.set_user_id(user.value);
        added.set_device_id(device.value);
      }
    };
    name(error.more->missing, body.mutable_missing());
    name(error.more->extra, body.mutable_extra());
  }
  answer(frame);
}

void Session::refuse(std::uint64_t request_id, const Error& error) {
  answer_error(request_id, error);
  if (++refused_in_a_row_ > kMaxRefusedInARow) close(CloseReason::rate_limited);
}

std::function<void(const Result<Unit>&)> Session::done_reply(std::uint64_t request_id) {
  return [anchor = anchor_, request_id](const Result<Unit>& result) {
    to_session(anchor, [request_id, result](Session& session) {
      if (result) {
        session.answer_done(request_id);
      } else {
        session.answer_error(request_id, result.error());
      }
    });
  };
}

void Session::bad_frame(std::string_view why) {
  answer_error(0, Error(Errc::bad_frame, std::string(why)));
  if (++bad_frames_ >= kMaxBadFrames) close(CloseReason::bad_frames);
}

}  // namespace godwit
