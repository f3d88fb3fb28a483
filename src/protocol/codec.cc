#include "protocol/codec.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wire_format_lite.h>

#include "godwit.pb.h"

namespace godwit {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using Wire = google::protobuf::internal::WireFormatLite;

// Tags of the fields written by hand; a unit test compares the result with the generated classes.
constexpr std::uint8_t tag(int field, Wire::WireType type) {
  return static_cast<std::uint8_t>((field << 3) | static_cast<int>(type));
}
constexpr std::uint8_t kSeq = tag(1, Wire::WIRETYPE_VARINT);
constexpr std::uint8_t kId = tag(2, Wire::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint8_t kFrom = tag(3, Wire::WIRETYPE_FIXED64);
constexpr std::uint8_t kFromDevice = tag(4, Wire::WIRETYPE_VARINT);
constexpr std::uint8_t kTo = tag(5, Wire::WIRETYPE_FIXED64);
constexpr std::uint8_t kChatSeq = tag(7, Wire::WIRETYPE_VARINT);
constexpr std::uint8_t kTimeDelta = tag(8, Wire::WIRETYPE_VARINT);
constexpr std::uint8_t kPayload = tag(9, Wire::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint8_t kChat = tag(6, Wire::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint8_t kTtl = tag(10, Wire::WIRETYPE_VARINT);
constexpr std::uint8_t kRelatesTo = tag(11, Wire::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint8_t kEndsEpoch = tag(12, Wire::WIRETYPE_VARINT);
constexpr std::uint8_t kEvent = tag(13, Wire::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint8_t kGone = tag(14, Wire::WIRETYPE_VARINT);
constexpr std::uint8_t kDevicePayloads = tag(15, Wire::WIRETYPE_LENGTH_DELIMITED);
// These take two bytes, and are written by the generated classes alone.
constexpr std::uint32_t kWelcome = (16U << 3) | Wire::WIRETYPE_LENGTH_DELIMITED;
constexpr std::uint32_t kJoins = (17U << 3) | Wire::WIRETYPE_LENGTH_DELIMITED;
constexpr std::uint8_t kDeliver = tag(4, Wire::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint8_t kEnvelopes = tag(1, Wire::WIRETYPE_LENGTH_DELIMITED);

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void put_fixed64(std::string& out, std::uint64_t value) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  out.append(bytes, sizeof bytes);
}

std::size_t varint_size(std::uint64_t value) {
  return CodedOutputStream::VarintSize64(value);
}

std::size_t item_body_size(const DeliverItem& item) {
  return 1 + varint_size(item.seq.value) + item.envelope.size() + (item.to ? 9 : 0);
}

void put_bytes(std::string& out, std::uint8_t field, std::string_view value) {
  out.push_back(static_cast<char>(field));
  put_varint(out, value.size());
  out.append(value);
}

void put_gone(std::string& out, GoneReason why) {
  out.push_back(static_cast<char>(kGone));
  out.push_back(static_cast<char>(why));
}

// Copies the fields of an encoded message for which `keep(tag, whole field)` is true.
template <class Keep>
std::string copy_fields(std::string_view bytes, Keep keep) {
  std::string out;
  out.reserve(bytes.size());
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  int begin = 0;
  while (const std::uint32_t field = in.ReadTag()) {
    if (!Wire::SkipField(&in, field)) break;
    const int end = in.CurrentPosition();
    const auto whole = bytes.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    if (keep(field, whole)) out.append(whole);
    begin = end;
  }
  return out;
}

std::size_t items_size(std::span<const DeliverItem> items) {
  std::size_t size = 0;
  for (const DeliverItem& item : items) size += deliver_item_size(item);
  return size;
}

}  // namespace

std::string encode_envelope(const MessageId& id, UserId from, DeviceId device, ChatSeq chat_seq,
                            std::int64_t time_delta_ms, std::string_view payload, const EnvelopeExtras& extras) {
  std::string out;
  out.reserve(payload.size() + extras.event.size() + extras.per_device.size() + 96);
  out.push_back(static_cast<char>(kId));
  put_varint(out, id.bytes.size());
  out.append(id.view());
  out.push_back(static_cast<char>(kFrom));
  put_fixed64(out, from.value);
  out.push_back(static_cast<char>(kFromDevice));
  put_varint(out, device.value);
  if (extras.chat) put_bytes(out, kChat, extras.chat->view());
  out.push_back(static_cast<char>(kChatSeq));
  put_varint(out, chat_seq.value);
  out.push_back(static_cast<char>(kTimeDelta));
  put_varint(out, Wire::ZigZagEncode64(time_delta_ms));
  if (!payload.empty()) put_bytes(out, kPayload, payload);
  if (extras.ttl_s != 0) {
    out.push_back(static_cast<char>(kTtl));
    put_varint(out, extras.ttl_s);
  }
  if (!extras.relates_to.empty()) put_bytes(out, kRelatesTo, extras.relates_to);
  if (extras.ends_epoch) {
    out.push_back(static_cast<char>(kEndsEpoch));
    put_varint(out, *extras.ends_epoch);
  }
  if (!extras.event.empty()) put_bytes(out, kEvent, extras.event);
  out.append(extras.per_device);
  return out;
}

std::string without_content(std::string_view envelope, GoneReason why) {
  std::string out = copy_fields(envelope, [](std::uint32_t field, std::string_view) {
    return field != kPayload && field != kDevicePayloads && field != kWelcome && field != kJoins && field != kGone;
  });
  put_gone(out, why);
  return out;
}

std::string gone_envelope(const std::optional<ChatId>& group, ChatSeq chat_seq) {
  std::string out;
  if (group) put_bytes(out, kChat, group->view());
  out.push_back(static_cast<char>(kChatSeq));
  put_varint(out, chat_seq.value);
  put_gone(out, GoneReason::expired);
  return out;
}

std::string for_device(std::string_view envelope, UserId user, DeviceId device) {
  std::string own;
  std::string_view welcome;  // the whole field
  bool joins = false;
  v1::Envelope one;
  const auto is_ours = [&](const auto& named) {
    return named.user_id() == user.value && named.device_id() == device.value;
  };
  std::string out = copy_fields(envelope, [&](std::uint32_t field, std::string_view whole) {
    if (field == kWelcome) welcome = whole;
    if (field == kWelcome || (field == kJoins && joins)) return false;
    if (field != kDevicePayloads && field != kJoins) return true;
    if (!one.ParseFromArray(whole.data(), static_cast<int>(whole.size()))) return false;
    if (one.device_payloads_size() == 1 && is_ours(one.device_payloads(0))) own = one.device_payloads(0).payload();
    joins = joins || (one.joins_size() == 1 && is_ours(one.joins(0)));
    return false;
  });
  if (!own.empty()) put_bytes(out, kPayload, own);
  if (joins) out.append(welcome);
  return out;
}

void append_envelope_to(std::string& envelope, UserId to) {
  envelope.push_back(static_cast<char>(kTo));
  put_fixed64(envelope, to.value);
}

std::optional<EnvelopeView> parse_envelope(std::string_view bytes) {
  EnvelopeView view;
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  bool has_id = false;
  while (const std::uint32_t field = in.ReadTag()) {
    std::uint64_t number = 0;
    std::uint32_t length = 0;
    switch (field) {
      case kId:
      case kChat:
      case kEvent:
      case kDevicePayloads:
      case kPayload: {
        if (!in.ReadVarint32(&length)) return std::nullopt;
        const auto at = static_cast<std::size_t>(in.CurrentPosition());
        if (length > bytes.size() - at || !in.Skip(static_cast<int>(length))) return std::nullopt;
        const std::string_view value = bytes.substr(at, length);
        if (field == kPayload) {
          view.payload = value;
        } else if (field == kEvent) {
          view.event = value;
        } else if (field == kDevicePayloads) {
          view.per_device = true;
        } else if (field == kChat) {
          if (length != 16) return std::nullopt;
          view.chat = ChatId::from(value);
        } else {
          if (length != view.id.bytes.size()) return std::nullopt;
          view.id = MessageId::from(value);
          has_id = true;
        }
        break;
      }
      case kFrom:
      case kTo:
        if (!in.ReadLittleEndian64(&number)) return std::nullopt;
        (field == kFrom ? view.from : view.to) = UserId(number);
        break;
      case kFromDevice:
      case kChatSeq:
      case kTimeDelta:
      case kTtl:
      case kGone:
      case kSeq:
        if (!in.ReadVarint64(&number)) return std::nullopt;
        if (field == kFromDevice) view.from_device = DeviceId(static_cast<std::uint32_t>(number));
        if (field == kChatSeq) view.chat_seq = ChatSeq(number);
        if (field == kTtl) view.ttl_s = static_cast<std::uint32_t>(number);
        if (field == kGone) view.gone = static_cast<GoneReason>(number);
        if (field == kTimeDelta) view.time_delta_ms = Wire::ZigZagDecode64(number);
        break;
      default:
        if (!Wire::SkipField(&in, field)) return std::nullopt;
        view.ends_epoch |= field == kEndsEpoch;
        view.per_device |= field == kWelcome || field == kJoins;
    }
  }
  if (!in.ConsumedEntireMessage() || !has_id || !view.from) return std::nullopt;
  return view;
}

std::size_t deliver_item_size(const DeliverItem& item) {
  const std::size_t body = item_body_size(item);
  return 1 + varint_size(body) + body;
}

std::size_t deliver_frame_size(std::span<const DeliverItem> items) {
  const std::size_t body = items_size(items);
  return 1 + varint_size(body) + body;
}

void append_deliver_frame(std::span<const DeliverItem> items, std::string& out) {
  out.push_back(static_cast<char>(kDeliver));
  put_varint(out, items_size(items));
  for (const DeliverItem& item : items) {
    out.push_back(static_cast<char>(kEnvelopes));
    put_varint(out, item_body_size(item));
    out.push_back(static_cast<char>(kSeq));
    put_varint(out, item.seq.value);
    out.append(item.envelope);
    if (item.to) append_envelope_to(out, item.to);
  }
}

std::string encode_sent_frame(std::uint64_t request_id, ChatSeq chat_seq, std::int64_t time_delta_ms, bool buffered) {
  // Sent: chat_seq = 1, time_delta_ms = 2, durability = 3, all varints; zeros are left out as proto3 does.
  std::string sent;
  if (chat_seq) {
    sent.push_back(static_cast<char>(kSeq));
    put_varint(sent, chat_seq.value);
  }
  if (time_delta_ms != 0) {
    sent.push_back(static_cast<char>(tag(2, Wire::WIRETYPE_VARINT)));
    put_varint(sent, Wire::ZigZagEncode64(time_delta_ms));
  }
  if (buffered) {
    sent.push_back(static_cast<char>(tag(3, Wire::WIRETYPE_VARINT)));
    put_varint(sent, 1);
  }
  std::string frame;
  if (request_id != 0) {
    frame.push_back(static_cast<char>(tag(1, Wire::WIRETYPE_VARINT)));
    put_varint(frame, request_id);
  }
  frame.push_back(static_cast<char>(tag(3, Wire::WIRETYPE_LENGTH_DELIMITED)));
  put_varint(frame, sent.size());
  return frame.append(sent);
}

bool parse_json(std::string_view text, v1::ClientFrame& frame) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage(google::protobuf::StringPiece(text.data(), text.size()), &frame,
                                                     options)
      .ok();
}

std::string to_json(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = false;
  // Messages that the server has built always have a JSON form.
  (void)google::protobuf::util::MessageToJsonString(message, &text, options);
  return text;
}

}  // namespace godwit
