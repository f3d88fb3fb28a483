#include <gtest/gtest.h>

#include <string>

#include "base/random.h"
#include "godwit.pb.h"
#include "tools/bench/frames.h"
#include "tools/bench/websocket.h"

namespace godwit::bench {
namespace {

// A client's frame as a server reads it; the masking key must be 0.
std::string unmasked_payload(std::string_view wire) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(wire[i]); };
  EXPECT_EQ(byte(0), 0x82);
  EXPECT_TRUE(byte(1) & 0x80) << "a client must mask";
  std::size_t length = byte(1) & 0x7F;
  std::size_t header = 2;
  if (length == 126) {
    length = static_cast<std::size_t>(byte(2)) << 8 | byte(3);
    header = 4;
  } else if (length == 127) {
    length = 0;
    for (std::size_t i = 2; i < 10; ++i) length = length << 8 | byte(i);
    header = 10;
  }
  EXPECT_EQ(wire.substr(header, 4), std::string_view("\0\0\0\0", 4));
  EXPECT_EQ(wire.size(), header + 4 + length);
  return std::string(wire.substr(header + 4));
}

std::string server_frame(std::string_view payload) {
  std::string wire("\x82");
  if (payload.size() < 126) {
    wire.push_back(static_cast<char>(payload.size()));
  } else {
    wire.push_back(126);
    wire.push_back(static_cast<char>(payload.size() >> 8));
    wire.push_back(static_cast<char>(payload.size()));
  }
  return wire.append(payload);
}

TEST(BenchFrames, hand_coded_send_is_what_protobuf_reads) {
  for (const std::size_t payload : {25U, 100U, 200U, 20'000U, 65'536U}) {
    Buffer out;
    MessageId id = MessageId::from("0123456789abcdef");
    const std::string head = "head";
    const std::string tail(payload - 4, 't');
    const std::size_t bytes = append_send(out, 300, id, UserId(0x1122334455667788), head, tail);
    EXPECT_EQ(bytes, out.size());
    v1::ClientFrame frame;
    ASSERT_TRUE(frame.ParseFromString(unmasked_payload(out.pending())));
    EXPECT_EQ(frame.request_id(), 300U);
    EXPECT_EQ(frame.send().id(), id.str());
    EXPECT_EQ(frame.send().to(), 0x1122334455667788U);
    EXPECT_EQ(frame.send().payload(), head + tail);
  }
}

TEST(BenchFrames, hand_coded_send_to_a_group_is_what_protobuf_reads) {
  Buffer out;
  const ChatId group = ChatId::from("fedcba9876543210");
  const std::size_t bytes =
      append_group_send(out, 7, MessageId::from("0123456789abcdef"), group, "head", std::string(300, 't'));
  EXPECT_EQ(bytes, out.size());
  v1::ClientFrame frame;
  ASSERT_TRUE(frame.ParseFromString(unmasked_payload(out.pending())));
  EXPECT_EQ(frame.send().chat(), group.str());
  EXPECT_EQ(frame.send().to(), 0U);
  EXPECT_EQ(frame.send().payload(), "head" + std::string(300, 't'));
}

TEST(BenchFrames, envelope_of_a_group_tells_its_chat_and_whether_it_is_an_event) {
  v1::Envelope message;
  message.set_chat("fedcba9876543210");
  message.set_payload("secret");
  EnvelopeView view;
  const std::string message_bytes = message.SerializeAsString();
  ASSERT_TRUE(parse_envelope(message_bytes, view));
  EXPECT_EQ(view.chat, "fedcba9876543210");
  EXPECT_FALSE(view.event);
  message.mutable_event()->set_created(true);
  const std::string event_bytes = message.SerializeAsString();
  ASSERT_TRUE(parse_envelope(event_bytes, view));
  EXPECT_TRUE(view.event);
}

TEST(BenchFrames, send_of_200_bytes_costs_at_most_48_more) {
  Buffer out;
  EXPECT_LE(append_send(out, 16, MessageId(), UserId(1), std::string(24, 'h'), std::string(176, 't')), 248U);
}

TEST(BenchFrames, hand_coded_ack_is_what_protobuf_reads) {
  for (const std::uint64_t cursor : {1ULL, 300ULL, 1ULL << 40}) {
    Buffer out;
    const std::size_t bytes = append_ack(out, cursor);
    EXPECT_EQ(bytes, out.size());
    v1::ClientFrame frame;
    ASSERT_TRUE(frame.ParseFromString(unmasked_payload(out.pending())));
    EXPECT_EQ(frame.request_id(), 0U);
    EXPECT_EQ(frame.ack().cursor(), cursor);
  }
}

TEST(BenchFrames, deliver_by_protobuf_is_read_by_hand) {
  v1::ServerFrame frame;
  for (int i = 1; i <= 3; ++i) {
    v1::Envelope& envelope = *frame.mutable_deliver()->add_envelopes();
    envelope.set_seq(static_cast<std::uint64_t>(i));
    envelope.set_id("0123456789abcdef");
    envelope.set_from(77);
    envelope.set_from_device(2);
    envelope.set_chat_seq(1000);
    envelope.set_time_delta_ms(-5);
    envelope.set_payload("secret");
  }
  const std::string bytes = frame.SerializeAsString();
  ServerFrameView view;
  ASSERT_TRUE(parse_frame(bytes, view));
  EXPECT_EQ(view.kind, ServerBody::deliver);
  v1::Deliver deliver;
  ASSERT_TRUE(deliver.ParseFromArray(view.body.data(), static_cast<int>(view.body.size())));
  EnvelopeView envelope;
  const std::string second = deliver.envelopes(1).SerializeAsString();
  ASSERT_TRUE(parse_envelope(second, envelope));
  EXPECT_EQ(envelope.seq, 2U);
  EXPECT_EQ(envelope.id, "0123456789abcdef");
  EXPECT_EQ(envelope.from, 77U);
  EXPECT_EQ(envelope.chat_seq, 1000U);
  EXPECT_EQ(envelope.payload, "secret");
}

TEST(BenchFrames, sent_and_watermark_by_protobuf_are_read_by_hand) {
  v1::Sent sent;
  sent.set_chat_seq(9);
  sent.set_time_delta_ms(-3);
  SentView sent_view;
  ASSERT_TRUE(parse_sent(sent.SerializeAsString(), sent_view));
  EXPECT_EQ(sent_view.chat_seq, 9U);
  EXPECT_EQ(sent_view.time_delta_ms, -3);

  v1::Watermark watermark;
  watermark.set_peer(1);
  watermark.set_member(2);
  watermark.set_delivered(3);
  watermark.set_read(4);
  WatermarkView view;
  ASSERT_TRUE(parse_watermark(watermark.SerializeAsString(), view));
  EXPECT_EQ(view.peer, 1U);
  EXPECT_EQ(view.member, 2U);
  EXPECT_EQ(view.delivered, 3U);
  EXPECT_EQ(view.read, 4U);
}

TEST(BenchFrames, random_and_cut_bytes_are_refused_without_reading_past_the_end) {
  init_crypto();
  for (int round = 0; round < 20'000; ++round) {
    const std::string bytes = random_bytes(random_below(40));
    ServerFrameView frame;
    EnvelopeView envelope;
    parse_frame(bytes, frame);  // must not crash; the sanitizers watch
    parse_envelope(bytes, envelope);
    EXPECT_LE(envelope.payload.size(), bytes.size());
  }
  v1::Envelope envelope;
  envelope.set_payload("a payload");
  const std::string whole = envelope.SerializeAsString();
  EnvelopeView view;
  for (std::size_t cut = 1; cut < whole.size(); ++cut)
    EXPECT_FALSE(parse_envelope(whole.substr(0, cut), view));
}

TEST(BenchWebSocket, server_frame_is_complete_only_with_its_last_byte) {
  const std::string wire = server_frame(std::string(200, 'x'));
  ServerWsFrame frame;
  for (std::size_t size = 0; size < wire.size(); ++size) {
    EXPECT_EQ(parse_server_frame(std::string_view(wire).substr(0, size), frame), FrameParse::partial);
  }
  ASSERT_EQ(parse_server_frame(wire, frame), FrameParse::complete);
  EXPECT_EQ(frame.payload.size(), 200U);
  EXPECT_EQ(frame.wire_bytes, wire.size());
}

TEST(BenchWebSocket, fragmented_or_masked_server_frame_is_broken) {
  ServerWsFrame frame;
  EXPECT_EQ(parse_server_frame(std::string("\x02\x01x", 3), frame), FrameParse::broken);
  EXPECT_EQ(parse_server_frame(std::string("\x82\x81\0\0\0\0x", 7), frame), FrameParse::broken);
}

TEST(BenchWebSocket, upgrade_reply_with_the_right_accept_is_101) {
  UpgradeReply reply;
  const std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
      "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  EXPECT_FALSE(parse_upgrade_reply(head, reply));
  ASSERT_TRUE(parse_upgrade_reply(head + "\r\nrest", reply));
  EXPECT_EQ(reply.status, 101);
  EXPECT_EQ(reply.bytes, head.size() + 2);
}

TEST(BenchWebSocket, upgrade_reply_with_a_wrong_accept_is_no_upgrade) {
  UpgradeReply reply;
  ASSERT_TRUE(parse_upgrade_reply("HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", reply));
  EXPECT_EQ(reply.status, 0);
}

TEST(BenchWebSocket, busy_server_tells_when_to_come_back) {
  UpgradeReply reply;
  ASSERT_TRUE(parse_upgrade_reply("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n\r\n", reply));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.retry_after_ms, 2000U);
}

}  // namespace
}  // namespace godwit::bench
