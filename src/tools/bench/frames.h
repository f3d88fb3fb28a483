// The hot frames of godwit.proto, coded by hand: Send and Ack out; Sent, Deliver and Watermarks in.
// Everything else goes through the generated classes.
#pragma once

#include <cstdint>
#include <string_view>

#include "godwit/ids.h"
#include "tools/bench/buffer.h"

namespace godwit::bench {

// Field numbers of ServerFrame.body that are told apart here.
enum class ServerBody : std::uint32_t {
  none = 0,
  error = 2,
  sent = 3,
  deliver = 4,
  watermarks = 5,
  caught_up = 8,
  gap = 9,
  challenge = 16,
  welcome = 17,
  registered = 18,
  token = 20,
  reconnect = 26,
  receipt_counts = 38,
};

struct ServerFrameView {
  std::uint64_t request_id = 0;
  ServerBody kind = ServerBody::none;
  std::string_view body;
};

struct EnvelopeView {
  std::uint64_t seq = 0;
  std::string_view id;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::string_view chat;  // empty in direct chats
  std::uint64_t chat_seq = 0;
  std::string_view payload;
  bool event = false;  // a change of the chat, not a message
};

struct SentView {
  std::uint64_t chat_seq = 0;
  std::int64_t time_delta_ms = 0;
};

struct WatermarkView {
  std::uint64_t peer = 0;
  std::uint64_t member = 0;
  std::uint64_t delivered = 0;
  std::uint64_t read = 0;
};

// Appends the WebSocket message `ClientFrame{request_id, Send{id, to, head tail}}`; returns its bytes on the
// wire.
std::size_t append_send(Buffer& out, std::uint64_t request_id, const MessageId& id, UserId to,
                        std::string_view head, std::string_view tail);
// The same with a group in place of `to`.
std::size_t append_group_send(Buffer& out, std::uint64_t request_id, const MessageId& id, const ChatId& group,
                              std::string_view head, std::string_view tail);
// Appends the notice `ClientFrame{Ack{cursor}}`; returns its bytes on the wire.
std::size_t append_ack(Buffer& out, std::uint64_t cursor);

// False when malformed; unknown fields are skipped. Views point into the input.
bool parse_frame(std::string_view bytes, ServerFrameView& frame);
bool parse_envelope(std::string_view bytes, EnvelopeView& envelope);
bool parse_sent(std::string_view bytes, SentView& sent);
bool parse_watermark(std::string_view bytes, WatermarkView& watermark);

}  // namespace godwit::bench
