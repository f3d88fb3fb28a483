// The life of a connection: beginning, deadlines, deferred work, end.
#include "net/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "net/connection_state.h"
#include "net/server_context.h"
#include "net/shard.h"

namespace godwit::net {
namespace {

constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Connection::Connection(int fd, const IpAddress& peer, ConnectionToken token)
    : http_(std::make_unique<Http>(peer)), stream_(fd), token_(std::move(token)) {}

Connection::~Connection() {
  if (http_ && http_->anchor) http_->anchor->connection = nullptr;
}

ServerContext& Connection::context() const {
  return shard_->context();
}

Worker& Connection::worker() {
  return shard_->worker();
}

void Connection::begin(Shard& shard) {
  shard_ = &shard;
  interest_ = wanted_events();
  set_deadline(context().options.handshake_timeout_ms);
  if (!shard.poller().add(stream_.fd(), *this, interest_)) {
    finish(CloseReason::gone);
  } else if (context().options.proxy_protocol && context().trusted.contains(http_->address)) {
    state_ = State::proxy;
  } else {
    begin_tls();
  }
}

void Connection::arrive(Shard& shard) {
  shard_ = &shard;
  in_transit_ = false;
  const std::unique_ptr<Departure> departure = std::move(departure_);
  if (state_ != State::finished) {
    interest_ = wanted_events();
    if (!shard.poller().add(stream_.fd(), *this, interest_)) finish(CloseReason::gone);
  }
  shard.schedule(*this);
  if (deferred_ != 0 && !is_deferred_) {
    is_deferred_ = true;
    shard.add_deferred(*this);
  }
  if (state_ == State::finished) return;
  if (unsent_bytes() > 0) mark_dirty();
  if (departure) departure->then();  // else it was closed on the way
  if (!in_transit_) resume();
}

// Work that must not be done within the present call, for one of its callers is the session, or that waits
// for its turn.
void Connection::defer(std::uint8_t what) {
  deferred_ |= what;
  if (is_deferred_ || in_transit_) return;  // on arrival the new shard takes it up
  is_deferred_ = true;
  shard_->add_deferred(*this);
}

void Connection::run_deferred() {
  is_deferred_ = false;
  const std::uint8_t what = std::exchange(deferred_, std::uint8_t{0});
  if (state_ == State::closing || state_ == State::finished) {
    if (const std::unique_ptr<LinkUser> user = std::move(user_)) user->on_closed(close_reason_);
    reader_ = WsReader();
  }
  if (state_ == State::finished) {
    shard_->destroy(*this);
    return;
  }
  if ((what & kTellDrained) != 0 && state_ == State::open) user_->on_drained();
  if (in_transit_) return;  // the arrival resumes
  if ((what & kResume) != 0) resume();
  if ((what & kReadAgain) != 0 && !in_transit_) read_ready();
}

void Connection::mark_dirty() {
  if (is_dirty_ || in_transit_) return;
  is_dirty_ = true;
  shard_->add_dirty(*this);
}

void Connection::flush() {
  is_dirty_ = false;
  // A blocked socket says when it takes more; trying before that would be a system call for nothing.
  if (!output_blocked_) write_out();
}

void Connection::set_deadline(std::uint32_t milliseconds) {
  deadline_ = shard_->now() + shard_->to_ticks(milliseconds);
  shard_->schedule(*this);
}

void Connection::set_idle_timeout(std::uint32_t milliseconds) {
  if (state_ != State::open) return;
  idle_ticks_ = milliseconds == 0 ? 0 : shard_->to_ticks(milliseconds);
  if (idle_ticks_ == 0) deadline_ = kNever;
  last_activity_ = shard_->now();
  if (!in_transit_) shard_->schedule(*this);
}

std::uint32_t Connection::due_tick() const {
  if (state_ == State::finished) return kNever;
  const std::uint32_t due = idle_ticks_ != 0 ? last_activity_ + idle_ticks_ : deadline_;
  if (waits_for_room()) return std::min(due, large_->since + 1);
  return large_ && !paused_ ? std::min(due, message_due()) : due;
}

void Connection::on_timeout() {
  switch (state_) {
    case State::proxy:
    case State::tls:
      note_failure(HandshakeFailure::timeout);
      finish(CloseReason::gone);
      break;
    case State::http:
      http_timeout();
      break;
    case State::open:
      if (waits_for_room()) return room_timeout();
      if (large_ && !paused_ && message_due() <= shard_->now()) return close(CloseReason::message_stalled);
      close(idle_ticks_ == 0 ? CloseReason::hello_timeout
            : paused_        ? CloseReason::output_stalled
                             : CloseReason::keepalive_timeout);
      break;
    case State::closing:
      // A large response may take a slow client longer, as long as it goes on. A close frame may not.
      if (http_ && unsent_bytes() > 0 && std::exchange(progressed_, false)) {
        set_deadline(context().options.handshake_timeout_ms);
      } else {
        finish(close_reason_);
      }
      break;
    case State::finished:
      break;
  }
}

void Connection::shut_down(CloseReason reason) {
  switch (state_) {
    case State::proxy:
    case State::tls:
      finish(CloseReason::gone);
      break;
    case State::http:
      http_->keep_alive = false;
      if (!http_->awaiting) end_http();
      break;
    case State::open:
      close(reason);
      break;
    case State::closing:
    case State::finished:
      break;
  }
}

void Connection::note_failure(HandshakeFailure why) {
  context().probe.handshake_failed(why);
}

// The hard end: nothing more is sent or read.
void Connection::finish(CloseReason reason) {
  if (state_ == State::finished) return;
  if (state_ == State::open) {
    close_reason_ = reason;
    context().probe.websocket_closed(reason);
  }
  state_ = State::finished;
  if (http_ && http_->anchor) http_->anchor->connection = nullptr;
  stream_.close();  // which takes it out of the poller, too
  release_output();
  input_.reset();
  large_.reset();
  token_.release();
  defer(kTellClosed);
}

}  // namespace godwit::net
