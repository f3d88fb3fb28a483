#include "tools/bench/frames.h"

#include <array>

#include "tools/bench/varint.h"
#include "tools/bench/websocket.h"

namespace godwit::bench {
namespace {

constexpr char tag(std::uint32_t field, std::uint32_t wire_type) {
  return static_cast<char>(field << 3 | wire_type);
}

// `address` is the encoded field that says where the message goes.
std::size_t append_addressed(Buffer& out, std::uint64_t request_id, const MessageId& id,
                             std::string_view address, std::string_view head, std::string_view tail) {
  const std::size_t payload = head.size() + tail.size();
  const std::size_t send = 2 + 16 + address.size() + 1 + varint_size(payload) + payload;
  const std::size_t frame = 1 + varint_size(request_id) + 1 + varint_size(send) + send;
  const std::size_t total = frame_header_size(frame) + frame;

  char* at = put_frame_header(out.grow(total), Opcode::binary, frame);
  *at++ = tag(1, 0);
  at = put_varint(at, request_id);
  *at++ = tag(3, 2);
  at = put_varint(at, send);
  *at++ = tag(1, 2);
  *at++ = 16;
  std::memcpy(at, id.bytes.data(), 16);
  at += 16;
  std::memcpy(at, address.data(), address.size());
  at += address.size();
  *at++ = tag(4, 2);
  at = put_varint(at, payload);
  std::memcpy(at, head.data(), head.size());
  if (!tail.empty()) std::memcpy(at + head.size(), tail.data(), tail.size());
  return total;
}

}  // namespace

std::size_t append_send(Buffer& out, std::uint64_t request_id, const MessageId& id, UserId to,
                        std::string_view head, std::string_view tail) {
  std::array<char, 1 + 8> address{tag(2, 1)};
  put_fixed64(address.data() + 1, to.value);
  return append_addressed(out, request_id, id, {address.data(), address.size()}, head, tail);
}

std::size_t append_group_send(Buffer& out, std::uint64_t request_id, const MessageId& id, const ChatId& group,
                              std::string_view head, std::string_view tail) {
  std::array<char, 2 + 16> address{tag(3, 2), 16};
  std::memcpy(address.data() + 2, group.bytes.data(), 16);
  return append_addressed(out, request_id, id, {address.data(), address.size()}, head, tail);
}

std::size_t append_ack(Buffer& out, std::uint64_t cursor) {
  const std::size_t ack = 1 + varint_size(cursor);
  const std::size_t frame = 1 + 1 + ack;
  const std::size_t total = frame_header_size(frame) + frame;

  char* at = put_frame_header(out.grow(total), Opcode::binary, frame);
  *at++ = tag(4, 2);
  *at++ = static_cast<char>(ack);
  *at++ = tag(1, 0);
  put_varint(at, cursor);
  return total;
}

bool parse_frame(std::string_view bytes, ServerFrameView& frame) {
  frame = ServerFrameView();
  FieldReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) {
      frame.request_id = reader.number();
    } else {
      frame.kind = static_cast<ServerBody>(reader.field());
      frame.body = reader.bytes();
    }
  }
  return reader.good();
}

bool parse_envelope(std::string_view bytes, EnvelopeView& envelope) {
  envelope = EnvelopeView();
  FieldReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        envelope.seq = reader.number();
        break;
      case 2:
        envelope.id = reader.bytes();
        break;
      case 3:
        envelope.from = reader.number();
        break;
      case 5:
        envelope.to = reader.number();
        break;
      case 6:
        envelope.chat = reader.bytes();
        break;
      case 7:
        envelope.chat_seq = reader.number();
        break;
      case 9:
        envelope.payload = reader.bytes();
        break;
      case 13:
        envelope.event = true;
        break;
      default:
        break;
    }
  }
  return reader.good();
}

bool parse_sent(std::string_view bytes, SentView& sent) {
  sent = SentView();
  FieldReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) sent.chat_seq = reader.number();
    if (reader.field() == 2) sent.time_delta_ms = zigzag_decode(reader.number());
  }
  return reader.good();
}

bool parse_watermark(std::string_view bytes, WatermarkView& watermark) {
  watermark = WatermarkView();
  FieldReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        watermark.peer = reader.number();
        break;
      case 2:
        watermark.member = reader.number();
        break;
      case 3:
        watermark.delivered = reader.number();
        break;
      case 4:
        watermark.read = reader.number();
        break;
      default:
        break;
    }
  }
  return reader.good();
}

}  // namespace godwit::bench
