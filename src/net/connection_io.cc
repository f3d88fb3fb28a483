// Reading and writing, whatever the bytes mean; PROXY header and TLS handshake.
#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "net/connection.h"
#include "net/connection_state.h"
#include "net/proxy_protocol.h"
#include "net/server_context.h"
#include "net/shard.h"

namespace godwit::net {
namespace {

// Full reads of one connection in a turn, so that a fast sender does not hold up the others. More than one
// spares TLS, whose buffered input no poll reports, a deferred task.
constexpr int kReadsPerTurn = 2;

}  // namespace

std::uint32_t Connection::wanted_events() const {
  const std::uint32_t in = paused_ ? 0U : static_cast<std::uint32_t>(EPOLLIN);
  const std::uint32_t out = output_blocked_ || tls_wants_write_ ? static_cast<std::uint32_t>(EPOLLOUT) : 0U;
  return in | out;
}

void Connection::set_interest() {
  if (in_transit_ || state_ == State::finished || interest_ == wanted_events()) return;
  interest_ = wanted_events();
  shard_->poller().modify(stream_.fd(), *this, interest_);
}

void Connection::on_ready(std::uint32_t events) {
  if (in_transit_ || state_ == State::finished) return;
  if (paused_ && (events & (EPOLLERR | EPOLLHUP)) != 0) {
    finish(state_ == State::closing ? close_reason_ : CloseReason::gone);  // nobody would read the error
    return;
  }
  if ((events & EPOLLOUT) != 0) {
    output_blocked_ = false;
    if (std::exchange(tls_wants_write_, false) && state_ == State::tls) carry_on_tls();
    write_out();
  }
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read_ready();
  set_interest();
}

// ---- Writing

void Connection::write_out() {
  if (state_ == State::finished) return;
  const std::size_t budget = context().options.output_budget_bytes;
  if (unsent_bytes() > budget) exceeded_budget_ = true;
  while (unsent_bytes() > 0 && !output_blocked_) {
    const IoResult result = stream_.write(out_.data() + out_sent_, unsent_bytes());
    if (result.status == IoStatus::ok) {
      out_sent_ += static_cast<std::uint32_t>(result.bytes);
      shard_->tally().bytes_out += result.bytes;
      progressed_ = true;
    } else if (result.status == IoStatus::wait_write || result.status == IoStatus::wait_read) {
      output_blocked_ = true;
    } else {
      finish(state_ == State::closing ? close_reason_ : CloseReason::gone);
      return;
    }
  }
  if (unsent_bytes() == 0) {
    release_output();
    if (state_ == State::closing && peer_finished_) {
      finish(close_reason_);
      return;
    }
    if (state_ == State::closing && !output_finished_) {
      output_finished_ = true;
      stream_.finish_output();
    }
  } else if (out_sent_ >= budget) {
    out_.erase(0, out_sent_);
    out_sent_ = 0;
  }
  if (exceeded_budget_ && unsent_bytes() < budget / 2) {
    exceeded_budget_ = false;
    defer(kTellDrained | kResume);
  }
  set_interest();
}

void Connection::release_output() {
  out_sent_ = 0;
  if (out_.capacity() > std::string().capacity()) {
    shard_->give_buffer(std::exchange(out_, std::string()));
  } else {
    out_.clear();
  }
}

// Whether to take no more input now: there is more unsent output than there should be even after trying to
// send (reading is paused then), or the connection has ended over that.
bool Connection::over_budget() {
  const std::size_t budget = context().options.output_budget_bytes;
  if (unsent_bytes() <= budget) return false;
  if (!output_blocked_) write_out();
  if (state_ == State::finished) return true;
  if (unsent_bytes() < budget / 2) return false;
  exceeded_budget_ = true;
  paused_ = true;
  if (large_) large_->paused_at = shard_->now();
  return true;
}

// ---- Reading

void Connection::read_ready() {
  bool more = true;
  for (int i = 0; i < kReadsPerTurn && more; ++i) {
    if (paused_ || in_transit_) break;
    switch (state_) {
      case State::proxy:
        read_proxy_header();
        more = false;
        break;
      case State::tls:
        carry_on_tls();
        // The client's first request may have come in the same read as its Finished.
        more = state_ == State::http && stream_.has_buffered_input();
        break;
      case State::http:
      case State::open:
        more = read_once();
        break;
      case State::closing:
        drop_input();
        more = false;
        break;
      case State::finished:
        return;
    }
  }
  // What TLS has taken from the socket already, no poll will report.
  if (more && !paused_ && !in_transit_ && stream_.has_buffered_input()) defer(kReadAgain);
  count_input();
  set_interest();
}

// Whether more may be there: the buffer was filled.
bool Connection::read_once() {
  if (input_ && input_->bytes.size() > Shard::kMaxCarriedBytes) return read_onto_input();
  const std::span<char> scratch = shard_->scratch();
  const std::size_t carried = input_ ? input_->bytes.size() : 0;
  if (carried > 0) std::memcpy(scratch.data(), input_->bytes.data(), carried);
  const IoResult result = stream_.read(scratch.data() + carried, Shard::kReadBytes);
  if (result.status != IoStatus::ok) {
    read_ended(result.status);
    return false;
  }
  input_.reset();
  last_activity_ = shard_->now();
  shard_->tally().bytes_in += result.bytes;
  take_input(scratch.first(carried + result.bytes));
  return result.bytes == Shard::kReadBytes;
}

// The same for a message too large to be copied to the scratch buffer with every read: what comes is added
// to what is there, and looked at when the message is complete.
bool Connection::read_onto_input() {
  const std::span<char> scratch = shard_->scratch();
  const std::size_t missing =
      input_->needed > input_->bytes.size() ? input_->needed - input_->bytes.size() : 0;
  const std::size_t size = missing == 0 ? Shard::kReadBytes : std::min(missing, Shard::kReadBytes);
  const IoResult result = stream_.read(scratch.data(), size);
  if (result.status != IoStatus::ok) {
    read_ended(result.status);
    return false;
  }
  last_activity_ = shard_->now();
  shard_->tally().bytes_in += result.bytes;
  input_->bytes.append(scratch.data(), result.bytes);
  if (input_->bytes.size() >= input_->needed) {
    std::string bytes = std::move(input_->bytes);
    input_.reset();
    take_input(bytes);
  }
  return result.bytes == size;
}

void Connection::read_ended(IoStatus status) {
  if (status == IoStatus::wait_read) return;
  if (status == IoStatus::wait_write) {
    tls_wants_write_ = true;
    return;
  }
  if (status == IoStatus::end && unsent_bytes() > 0 && (state_ == State::http || state_ == State::closing)) {
    // It has closed its side only, and still reads.
    if (state_ == State::http) end_http();
    peer_finished_ = true;
    paused_ = true;
    return;
  }
  if (state_ == State::proxy || state_ == State::tls || (state_ == State::http && http_->requests == 0)) {
    note_failure(HandshakeFailure::gone);
  }
  finish(state_ == State::closing ? close_reason_ : CloseReason::gone);
}

// After our last word: waits for the peer's end, so that the kernel does not answer its bytes with a reset,
// which could destroy what we have sent before the peer has read it.
void Connection::drop_input() {
  const std::span<char> scratch = shard_->scratch();
  const IoResult result = stream_.read(scratch.data(), scratch.size());
  if (result.status != IoStatus::ok) read_ended(result.status);
}

// Reading goes on after a pause or a move, first with what was kept.
void Connection::resume() {
  if (state_ == State::finished) return;
  if (large_ && paused_ && !waits_for_room()) large_->since += shard_->now() - large_->paused_at;
  paused_ = state_ == State::http && http_->awaiting;
  if (state_ != State::closing && !paused_ && input_) {
    std::string bytes = std::move(input_->bytes);
    input_.reset();
    take_input(bytes);
  }
  if (in_transit_) return;
  if (!paused_ && stream_.has_buffered_input()) defer(kReadAgain);
  count_input();
  set_interest();
}

// Takes in what it can of `bytes`, and keeps the rest.
void Connection::take_input(std::span<char> bytes) {
  taking_input_ = true;
  WsEvent rest;
  if (state_ == State::http) bytes = bytes.subspan(take_http({bytes.data(), bytes.size()}));
  if (state_ == State::open) bytes = bytes.subspan(take_frames(bytes, rest));
  taking_input_ = false;
  if ((state_ == State::http || state_ == State::open) && !bytes.empty()) keep_input(bytes, rest);
  if (departure_) depart();
}

void Connection::keep_input(std::span<const char> bytes, const WsEvent& rest) {
  input_ = std::make_unique<Input>();
  input_->bytes.assign(bytes.data(), bytes.size());
  input_->needed = rest.needed;
  input_->whole = rest.whole;
}

// ---- Before HTTP

void Connection::read_proxy_header() {
  const std::span<char> scratch = shard_->scratch();
  const IoResult peeked = stream_.peek(scratch.data(), kMaxProxyHeader);
  if (peeked.status != IoStatus::ok) {
    read_ended(peeked.status);
    return;
  }
  // Bytes after the header are not ours to take: they may be the beginning of a TLS handshake.
  std::string& kept = http_->proxy_bytes;
  const std::size_t before = kept.size();
  kept.append(scratch.data(), peeked.bytes);
  const ProxyParse parsed = parse_proxy_header(kept);
  if (parsed.status == ProxyParse::Status::bad) {
    note_failure(HandshakeFailure::proxy_header);
    finish(CloseReason::gone);
    return;
  }
  const bool done = parsed.status == ProxyParse::Status::done;
  const std::size_t take = done ? parsed.size - before : peeked.bytes;
  shard_->tally().bytes_in += stream_.read(scratch.data(), take).bytes;
  if (!done) return;
  kept = std::string();
  if (parsed.header.has_source) {
    http_->address = parsed.header.source;
    peer_.secure = parsed.header.secure;
    if (!token_.bind(http_->address)) {
      note_failure(HandshakeFailure::address_limit);
      finish(CloseReason::gone);
      return;
    }
  }
  begin_tls();
}

void Connection::begin_tls() {
  if (!context().tls) {
    begin_http();
    return;
  }
  state_ = State::tls;
  peer_.secure = true;
  SslPtr ssl = context().tls->accept_on(stream_.fd());
  if (!ssl) {
    finish(CloseReason::gone);
    return;
  }
  stream_.set_tls(std::move(ssl));
}

void Connection::carry_on_tls() {
  const IoResult result = stream_.handshake();
  switch (result.status) {
    case IoStatus::ok:
      context().probe.tls_established();
      begin_http();
      break;
    case IoStatus::wait_read:
      break;
    case IoStatus::wait_write:
      tls_wants_write_ = true;
      break;
    case IoStatus::end:
    case IoStatus::failed:
      note_failure(HandshakeFailure::tls);
      finish(CloseReason::gone);
      break;
  }
}

}  // namespace godwit::net
