// WebSocket on a connection: frames to the session and back, the closing handshake, moving to another worker.
#include <algorithm>
#include <string>
#include <utility>

#include "net/connection.h"
#include "net/connection_state.h"
#include "net/server_context.h"
#include "net/shard.h"

namespace godwit::net {
namespace {

// With so much output gathered within one turn, it is sent before more is added.
constexpr std::size_t kFlushBytes = 256 * 1024;

}  // namespace

void Connection::begin_websocket() {
  if (http_->anchor) http_->anchor->connection = nullptr;
  http_.reset();
  state_ = State::open;
  set_deadline(context().options.hello_timeout_ms);
  mark_dirty();
  context().probe.upgraded();
  user_->on_open();
}

std::size_t Connection::take_frames(std::span<char> bytes, WsEvent& rest) {
  const std::uint32_t most = context().options.max_frame_bytes;
  std::size_t taken = 0;
  while (state_ == State::open && !departure_ && !over_budget()) {
    const WsRules rules{large_allowed_ ? most : std::min(most, kSmallMessageBytes), peer_.text};
    WsEvent event = reader_.next(bytes.subspan(taken), rules);
    taken += event.consumed;
    if (event.kind == WsEvent::Kind::need_more) {
      rest = event;
      break;
    }
    take_event(event);
  }
  return taken;
}

// What is held of an unfinished message: not without room for the whole of it, nor longer than it should take.
void Connection::count_input() {
  if (state_ != State::open || in_transit_ || paused_) return;
  const std::size_t bytes = (input_ ? input_->bytes.size() : 0) + reader_.held_bytes();
  if (bytes <= kSmallMessageBytes) {
    large_.reset();
    return;
  }
  if (!large_) large_ = std::make_unique<Large>(context().large_inputs, owner_);
  large_->here = bytes;
  if (!large_->input.has_room()) paused_ = !find_room();
}

// False when it has to wait.
bool Connection::find_room() {
  // In fragments, nobody knows how long it will be.
  const std::size_t most = context().options.max_frame_bytes;
  const std::size_t size = input_ && input_->whole != 0 ? std::min(input_->whole, most) : most;
  const Room room = large_->input.ask(size, large_->here);
  large_->since = shard_->now();
  shard_->schedule(*this);
  if (room != Room::refused) return room == Room::given;
  context().probe.large_input_refused();
  close(CloseReason::overloaded);
  return true;
}

bool Connection::waits_for_room() const {
  return large_ && !large_->input.has_room();
}

// Pings of the client are not read while it waits, so it is not sent away for being silent but for want of room.
void Connection::room_timeout() {
  const std::uint32_t silent = idle_ticks_ != 0 ? last_activity_ + idle_ticks_ : deadline_;
  if (silent <= shard_->now()) {
    context().probe.large_input_refused();
    return close(CloseReason::overloaded);
  }
  if (find_room() && state_ == State::open) resume();
}

std::uint32_t Connection::message_due() const {
  const auto ms = context().options.message_timeout_ms + 1'000ULL * large_->here / kSlowestBytesPerS;
  return large_->since + shard_->to_ticks(static_cast<std::uint32_t>(ms));
}

void Connection::take_event(WsEvent& event) {
  switch (event.kind) {
    case WsEvent::Kind::message:
      ++shard_->tally().messages_in;
      large_.reset();  // the next one has its own time
      user_->on_message(event.payload);
      break;
    case WsEvent::Kind::ping:
      // A client that does not read gets no more pongs: the newest ping is the one to answer (section 5.5.3).
      if (unsent_bytes() > context().options.output_budget_bytes) break;
      append_ws_header(out_, WsOpcode::pong, event.payload.size());
      out_.append(event.payload.data(), event.payload.size());
      mark_dirty();
      break;
    case WsEvent::Kind::close:
      // Echoed (section 5.5.1); the reserved "no code" is answered by an empty frame.
      begin_closing(CloseReason::normal, event.close_code, {});
      break;
    case WsEvent::Kind::fault:
      close(event.fault);
      break;
    case WsEvent::Kind::pong:
    case WsEvent::Kind::need_more:
      break;
  }
}

std::string& Connection::start_message(std::size_t payload_bytes) {
  if (state_ == State::open && unsent_bytes() >= kFlushBytes && !output_blocked_) write_out();
  if (state_ != State::open) return shard_->discard();
  const std::size_t header = ws_header_size(payload_bytes);
  if (unsent_bytes() + header + payload_bytes > context().options.max_output_bytes) {
    // A close frame would queue behind megabytes that the client does not read.
    finish(CloseReason::output_stalled);
    return shard_->discard();
  }
  // An empty output may have no buffer; a short one, such as a pong, lives in the string itself.
  if (out_.empty() && out_.capacity() <= std::string().capacity()) out_ = shard_->take_buffer();
  append_ws_header(out_, WsOpcode::binary, payload_bytes);
  if (peer_.text) out_[out_.size() - header] = static_cast<char>(0x80 | static_cast<int>(WsOpcode::text));
  ++shard_->tally().messages_out;
  mark_dirty();
  return out_;
}

void Connection::close(CloseReason reason) {
  if (state_ != State::open) return;
  if (reason == CloseReason::gone) {
    finish(reason);
    return;
  }
  const CloseInfo& info = close_info(reason);
  begin_closing(reason, info.code, info.text);
}

void Connection::begin_closing(CloseReason reason, std::uint16_t code, std::string_view text) {
  if (code == kNoCloseCode) {
    append_ws_header(out_, WsOpcode::close, 0);
  } else {
    append_ws_close(out_, code, text);
  }
  context().probe.websocket_closed(reason);
  state_ = State::closing;
  close_reason_ = reason;
  departure_.reset();
  input_.reset();
  large_.reset();
  idle_ticks_ = 0;
  paused_ = false;
  deadline_ = shard_->now() + shard_->to_ticks(context().options.closing_timeout_ms);
  if (!in_transit_) shard_->schedule(*this);
  mark_dirty();
  set_interest();
  defer(kTellClosed);
}

void Connection::move_to(Worker& worker, Task then) {
  if (&worker == &shard_->worker()) {
    then();
    return;
  }
  if (state_ != State::open || in_transit_) return;  // on_closed is on its way
  departure_ = std::make_unique<Departure>(Departure{&shard_->sibling(worker), std::move(then)});
  // Within a read the frame loop ends first, so that the rest of its bytes comes along.
  if (!taking_input_) depart();
}

void Connection::depart() {
  in_transit_ = true;
  is_dirty_ = false;
  is_deferred_ = false;
  context().probe.moved();
  std::unique_ptr<Connection> self = shard_->remove(*this);
  departure_->target->take_over(std::move(self));
}

}  // namespace godwit::net
