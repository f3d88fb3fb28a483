// Encoding and reading of what is too frequent for the generated classes: envelopes and Deliver frames.
// Everything else goes through godwit.pb.h. Pure functions; fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "godwit/ids.h"

namespace google::protobuf {
class Message;
}

namespace godwit {

namespace v1 {
class ClientFrame;
class ServerFrame;
}  // namespace v1

// What few envelopes have. Views must outlive the call.
struct EnvelopeExtras {
  std::optional<ChatId> chat;  // groups
  std::uint32_t ttl_s = 0;
  std::string_view relates_to;
  std::optional<std::uint64_t> ends_epoch;
  std::string_view event;       // encoded ChatEvent
  std::string_view per_device;  // encoded Envelope that has nothing but `device_payloads`, or `welcome` and `joins`
};

// An Envelope without `seq` and `to`, as it is stored once and sent to many.
std::string encode_envelope(const MessageId& id, UserId from, DeviceId device, ChatSeq chat_seq,
                            std::int64_t time_delta_ms, std::string_view payload, const EnvelopeExtras& extras = {});

// Values of v1::Gone.
enum class GoneReason : std::uint8_t { present = 0, expired = 1, removed = 2 };
// The envelope without its ciphertext, which is no more.
std::string without_content(std::string_view envelope, GoneReason why);
// In place of an entry that is not in the log any more.
std::string gone_envelope(const std::optional<ChatId>& group, ChatSeq chat_seq);
// The envelope as one device gets it: of what is for single devices its own only.
std::string for_device(std::string_view envelope, UserId user, DeviceId device);

// Adds `to` to an encoded envelope, for the sender's own devices (Protobuf messages concatenate).
void append_envelope_to(std::string& envelope, UserId to);

// What the server reads of an envelope again. Views point into the bytes that were parsed.
struct EnvelopeView {
  MessageId id;
  UserId from;
  DeviceId from_device;
  UserId to;
  ChatSeq chat_seq;
  std::int64_t time_delta_ms = 0;
  std::string_view payload;
  std::optional<ChatId> chat;  // groups
  std::string_view event;      // encoded ChatEvent
  std::uint32_t ttl_s = 0;
  GoneReason gone = GoneReason::present;
  bool ends_epoch = false;
  bool per_device = false;  // it has payloads, or a welcome, for single devices
};
// Nothing for bytes that are no Envelope or lack its fixed fields.
std::optional<EnvelopeView> parse_envelope(std::string_view bytes);

// One inbox entry about to be delivered: stored envelope bytes, its position, and `to` when not zero.
struct DeliverItem {
  std::string_view envelope;
  InboxSeq seq;
  UserId to;
};
// Size of a ServerFrame with a Deliver of these items, and its bytes appended to `out`.
std::size_t deliver_frame_size(std::span<const DeliverItem> items);
void append_deliver_frame(std::span<const DeliverItem> items, std::string& out);
// A ServerFrame with a Sent.
std::string encode_sent_frame(std::uint64_t request_id, ChatSeq chat_seq, std::int64_t time_delta_ms, bool buffered);
// What an item adds to a Deliver frame.
std::size_t deliver_item_size(const DeliverItem& item);

// The canonical JSON mapping (subprotocol godwit.v1.json). Unknown fields are ignored on reading.
bool parse_json(std::string_view text, v1::ClientFrame& frame);
std::string to_json(const google::protobuf::Message& message);

}  // namespace godwit
