#include "tools/bench/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cstring>

namespace godwit::bench {
namespace {

constexpr std::string_view kSubprotocol = "godwit.v1";
// A read takes no more than this, so that the bytes are still in the cache when they are parsed.
constexpr std::size_t kReadChunk = std::size_t{128} << 10;
// Reads in a row from one connection before others have their turn.
constexpr int kReadsPerTurn = 4;

}  // namespace

std::string CloseCause::text() const {
  if (http_status != 0) return "http " + std::to_string(http_status);
  if (error != 0) return std::string("socket ") + std::strerror(error);
  return "close " + std::to_string(code);
}

bool CloseCause::final() const {
  return http_status != 0 ? http_status >= 400 && http_status < 500 && http_status != 429
                          : code >= 4200 || code == 1002 || code == 1003 || code == 1007 || code == 1009;
}

Connection::Connection(Loop& loop, const Target& target, std::size_t number, ConnectionUser& user)
    : loop_(loop), target_(target), user_(user), number_(number) {}

void Connection::open() {
  out_.release();
  rest_.clear();
  blocked_ = release_ = false;
  reading_ = true;
  state_ = State::opening;
  if (const int error = transport_.open(target_, number_); error != 0) {
    loop_.at(loop_.now(), [this, error] {
      if (state_ == State::opening) fail({.error = error});
    });
    return;
  }
  interest_ = EPOLLIN | EPOLLOUT;
  loop_.add(transport_.fd(), interest_, *this);
}

void Connection::close() {
  if (state_ == State::closed) return;
  if (state_ == State::open && !blocked_) {
    write_control(Opcode::close, "\x03\xE8");
    std::size_t count = 0;
    transport_.write(out_.pending(), count);
  }
  transport_.close();
  state_ = State::closed;
  out_.release();
}

void Connection::fail(CloseCause cause) {
  if (state_ == State::closed) return;
  transport_.close();
  state_ = State::closed;
  out_.release();
  user_.on_closed(cause);
}

Buffer& Connection::begin_write() {
  if (!flush_wanted_) {
    flush_wanted_ = true;
    loop_.want_flush(*this);
  }
  return out_;
}

std::size_t Connection::write(std::string_view payload) {
  const std::size_t total = frame_header_size(payload.size()) + payload.size();
  char* at = put_frame_header(begin_write().grow(total), Opcode::binary, payload.size());
  std::memcpy(at, payload.data(), payload.size());
  return total;
}

void Connection::write_control(Opcode opcode, std::string_view payload) {
  const std::size_t total = frame_header_size(payload.size()) + payload.size();
  char* at = put_frame_header(begin_write().grow(total), opcode, payload.size());
  if (!payload.empty()) std::memcpy(at, payload.data(), payload.size());
}

void Connection::set_reading(bool on) {
  reading_ = on;
  if (state_ != State::closed) update_interest();
}

void Connection::update_interest() {
  const std::uint32_t wanted = (reading_ ? EPOLLIN : 0U) | (blocked_ ? EPOLLOUT : 0U);
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_.modify(transport_.fd(), wanted, *this);
}

void Connection::on_events(std::uint32_t events) {
  if (state_ == State::closed) return;
  if (state_ == State::opening) return continue_opening();
  if ((events & EPOLLOUT) != 0 && blocked_) {
    blocked_ = false;
    flush();
  }
  // While stalled, an error is the only thing that is heard, and it is final.
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read_some();
}

void Connection::continue_opening() {
  switch (transport_.continue_opening()) {
    case Io::again:
      // TLS wants to read mostly; a write that does not fit in an empty socket buffer does not occur.
      if (transport_.tls() && interest_ != EPOLLIN) {
        interest_ = EPOLLIN;
        loop_.modify(transport_.fd(), interest_, *this);
      }
      return;
    case Io::closed:
      return fail({.error = transport_.error()});
    case Io::done:
      break;
  }
  state_ = State::upgrading;
  begin_write().append(upgrade_request(target_.host, target_.path, kSubprotocol));
  update_interest();
}

void Connection::flush() {
  flush_wanted_ = false;
  if (state_ != State::upgrading && state_ != State::open) return;
  while (!out_.empty() && !blocked_) {
    std::size_t count = 0;
    switch (transport_.write(out_.pending(), count)) {
      case Io::done:
        out_.consume(count);
        break;
      case Io::again:
        blocked_ = true;
        break;
      case Io::closed:
        return fail({.error = transport_.error()});
    }
  }
  if (release_ && out_.empty()) out_.release();
  update_interest();
}

void Connection::read_some() {
  const std::span<char> buffer = loop_.read_buffer();
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    const std::size_t have = rest_.size();
    const std::size_t want = std::min(buffer.size() - have, kReadChunk);
    std::memcpy(buffer.data(), rest_.data(), have);
    std::size_t count = 0;
    const Io result = transport_.read(buffer.subspan(have, want), count);
    if (result == Io::closed) return fail({.error = transport_.error()});
    if (result == Io::again) break;

    loop_.refresh();
    const std::size_t total = have + count;
    const std::size_t used = take_input({buffer.data(), total});
    if (state_ == State::closed) return;
    rest_.assign(buffer.data() + used, total - used);
    if (rest_.size() == buffer.size()) return fail({.code = 1009});
    // TLS hands out one record at a time; a short read from a plain socket means that it is empty.
    if (!transport_.tls() && count < want) break;
  }
  if (state_ == State::open) user_.on_read_end();
}

std::size_t Connection::take_input(std::string_view input) {
  std::size_t used = 0;
  if (state_ == State::upgrading) {
    used = take_upgrade(input);
    if (state_ != State::open) return used;
  }
  ServerWsFrame frame;
  while (used < input.size()) {
    const FrameParse parsed = parse_server_frame(input.substr(used), frame);
    if (parsed == FrameParse::partial) break;
    if (parsed == FrameParse::broken) {
      fail({.code = 1002});
      return used;
    }
    used += frame.wire_bytes;
    if (frame.opcode == Opcode::binary) {
      user_.on_message(frame.payload, frame.wire_bytes);
    } else {
      on_control_frame(frame.opcode, frame.payload);
    }
    if (state_ == State::closed) return used;
  }
  return used;
}

std::size_t Connection::take_upgrade(std::string_view input) {
  UpgradeReply reply;
  if (!parse_upgrade_reply(input, reply)) return 0;
  if (reply.status != 101) {
    fail({.http_status = reply.status == 0 ? 502 : reply.status, .retry_after_ms = reply.retry_after_ms});
    return input.size();
  }
  state_ = State::open;
  user_.on_open();
  return reply.bytes;
}

void Connection::on_control_frame(Opcode opcode, std::string_view payload) {
  switch (opcode) {
    case Opcode::ping:
      return write_control(Opcode::pong, payload);
    case Opcode::pong:
      return;
    case Opcode::close: {
      CloseCause cause{.code = 1005};
      if (payload.size() >= 2) {
        cause.code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                                static_cast<std::uint8_t>(payload[1]));
      }
      return fail(cause);
    }
    default:
      return fail({.code = 1003});
  }
}

}  // namespace godwit::bench
