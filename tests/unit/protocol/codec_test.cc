#include "protocol/codec.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/random.h"
#include "godwit.pb.h"
#include "godwit/close_reason.h"
#include "godwit/result.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;

TEST(Codec, Envelope_encoded_by_hand_equals_the_generated_class) {
  const MessageId id = make_message_id(1'700'000'000'123);
  v1::Envelope expected;
  expected.set_id(id.str());
  expected.set_from(42);
  expected.set_from_device(3);
  expected.set_chat_seq(70'000);
  expected.set_time_delta_ms(-17);
  expected.set_payload("ciphertext");
  EXPECT_EQ(encode_envelope(id, UserId(42), DeviceId(3), ChatSeq(70'000), -17, "ciphertext"),
            expected.SerializeAsString());
}

TEST(Codec, Envelope_round_trips_with_recipient_appended) {
  const MessageId id = make_message_id(1'700'000'000'123);
  std::string bytes = encode_envelope(id, UserId(42), DeviceId(3), ChatSeq(5), 250, std::string(300, 'x'));
  append_envelope_to(bytes, UserId(77));
  const auto view = parse_envelope(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->id, id);
  EXPECT_EQ(view->from, UserId(42));
  EXPECT_EQ(view->from_device, DeviceId(3));
  EXPECT_EQ(view->to, UserId(77));
  EXPECT_EQ(view->chat_seq, ChatSeq(5));
  EXPECT_EQ(view->time_delta_ms, 250);
  EXPECT_EQ(view->payload, std::string(300, 'x'));
}

TEST(Codec, Envelope_truncated_anywhere_is_refused_or_shorter_but_never_read_beyond) {
  const std::string bytes = encode_envelope(make_message_id(1), UserId(42), DeviceId(3), ChatSeq(5), 250, "payload");
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto view = parse_envelope(std::string_view(bytes).substr(0, length));
    if (view) {
      EXPECT_LT(view->payload.size(), 7U) << length;
    }
  }
}

TEST(Codec, Deliver_frame_by_hand_parses_as_the_generated_class) {
  const std::string a = encode_envelope(make_message_id(5), UserId(1), DeviceId(1), ChatSeq(1), 1, "first");
  const std::string b = encode_envelope(make_message_id(6), UserId(2), DeviceId(1), ChatSeq(9), 2, std::string(200, 'y'));
  const std::vector<DeliverItem> items = {{a, InboxSeq(300), UserId()}, {b, InboxSeq(301), UserId(9)}};
  std::string bytes;
  append_deliver_frame(items, bytes);
  EXPECT_EQ(bytes.size(), deliver_frame_size(items));
  v1::ServerFrame frame;
  ASSERT_TRUE(frame.ParseFromString(bytes));
  ASSERT_EQ(frame.deliver().envelopes_size(), 2);
  EXPECT_EQ(frame.request_id(), 0U);
  EXPECT_EQ(frame.deliver().envelopes(0).seq(), 300U);
  EXPECT_EQ(frame.deliver().envelopes(0).payload(), "first");
  EXPECT_EQ(frame.deliver().envelopes(0).to(), 0U);
  EXPECT_EQ(frame.deliver().envelopes(1).to(), 9U);
  EXPECT_EQ(frame.deliver().envelopes(1).payload(), std::string(200, 'y'));
}

TEST(Codec, Sent_frame_by_hand_equals_the_generated_class) {
  for (const bool buffered : {false, true}) {
    for (const std::int64_t delta : {0, 1, -70, 100'000}) {
      v1::ServerFrame expected;
      expected.set_request_id(delta == 0 ? 0 : 7'000);
      expected.mutable_sent()->set_chat_seq(12);
      expected.mutable_sent()->set_time_delta_ms(delta);
      expected.mutable_sent()->set_durability(buffered ? v1::BUFFERED : v1::DURABLE);
      EXPECT_EQ(encode_sent_frame(expected.request_id(), ChatSeq(12), delta, buffered), expected.SerializeAsString());
    }
  }
}

TEST(Codec, A_200_byte_message_stays_within_its_size_budget) {
  const std::string payload(200, 'p');
  v1::ClientFrame send;
  send.set_request_id(5'000);
  send.mutable_send()->set_id(make_message_id(1'700'000'000'000).str());
  send.mutable_send()->set_to(~0ULL);
  send.mutable_send()->set_payload(payload);
  const std::size_t client_header = 8;  // RFC 6455: 2, 2 of length, 4 of mask
  EXPECT_LE(send.ByteSizeLong() + client_header, payload.size() + 48);

  const std::string envelope =
      encode_envelope(make_message_id(1'700'000'000'000), UserId(~0ULL), DeviceId(1), ChatSeq(100'000), 40, payload);
  const DeliverItem item{envelope, InboxSeq(100'000), UserId()};
  const std::size_t server_header = 4;
  EXPECT_LE(deliver_frame_size({&item, 1}) + server_header, payload.size() + 56);
  EXPECT_LE(encode_sent_frame(5'000, ChatSeq(100'000), 40, false).size() + 2, 16U);
}

TEST(Codec, Json_ignores_unknown_fields_and_refuses_what_is_no_frame) {
  v1::ClientFrame frame;
  EXPECT_TRUE(parse_json(R"({"requestId":"3","ping":{},"later":{"a":[1]}})", frame));
  EXPECT_EQ(frame.request_id(), 3U);
  EXPECT_TRUE(frame.has_ping());
  EXPECT_FALSE(parse_json("{", frame));
  EXPECT_FALSE(parse_json("[]", frame));
  EXPECT_FALSE(parse_json(R"({"requestId":"x"})", frame));
}

TEST(ErrorTable, Codes_are_dense_unique_and_equal_to_the_wire) {
  std::uint16_t next = 1;
  for (const ErrorInfo& info : error_table()) {
    EXPECT_EQ(static_cast<std::uint16_t>(info.code), next++);
    v1::ErrorCode wire = v1::ok;
    ASSERT_TRUE(v1::ErrorCode_Parse(std::string(info.name), &wire)) << info.name;
    EXPECT_EQ(static_cast<int>(wire), static_cast<int>(info.code));
    EXPECT_FALSE(info.text.empty());
  }
  EXPECT_EQ(static_cast<int>(v1::ErrorCode_MAX), next - 1);
}

TEST(CloseTable, Codes_lie_in_the_range_of_their_advice) {
  for (const CloseInfo& info : close_table()) {
    if (info.code < 4000) continue;
    const int range = (info.code - 4000) / 100;
    EXPECT_EQ(range, static_cast<int>(info.advice)) << info.name;
  }
}

// tests/vectors: <side>_<name>.hex holds the binary frame, .json the same frame in the JSON mapping.
std::string bytes_of(const fs::path& path) {
  std::ifstream file(path);
  std::string bytes;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      for (std::size_t i = 0; i + 1 < word.size(); i += 2) {
        bytes.push_back(static_cast<char>(std::stoi(word.substr(i, 2), nullptr, 16)));
      }
    }
  }
  return bytes;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

TEST(Vectors, Frames_mean_the_same_in_binary_and_json_and_stand_in_the_protocol_page) {
  const fs::path source(GODWIT_SOURCE_DIR);
  const std::string page = text_of(source / "docs/protocol.md");
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(source / "tests/vectors")) {
    const fs::path& path = entry.path();
    const std::string name = path.stem().string();
    if (path.extension() != ".hex" || name.find("_bad_") != std::string::npos) continue;
    const std::string bytes = bytes_of(path);
    const std::string json = text_of(fs::path(path).replace_extension(".json"));
    if (name.starts_with("client_")) {
      v1::ClientFrame binary;
      v1::ClientFrame text;
      ASSERT_TRUE(binary.ParseFromString(bytes)) << name;
      ASSERT_TRUE(parse_json(json, text)) << name;
      EXPECT_EQ(binary.SerializeAsString(), bytes) << name;
      // JSON has no place for what it does not know.
      binary.DiscardUnknownFields();
      EXPECT_EQ(binary.SerializeAsString(), text.SerializeAsString()) << name;
    } else {
      v1::ServerFrame binary;
      ASSERT_TRUE(binary.ParseFromString(bytes)) << name;
      EXPECT_EQ(binary.SerializeAsString(), bytes) << name;
      EXPECT_EQ(to_json(binary), json) << name;
    }
    EXPECT_NE(page.find(json), std::string::npos) << "docs/protocol.md does not show the JSON of " << name;
    ++checked;
  }
  EXPECT_GE(checked, 6);
}

TEST(Vectors, Malformed_frames_are_refused) {
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(GODWIT_SOURCE_DIR) / "tests/vectors")) {
    if (entry.path().extension() != ".hex" || entry.path().stem().string().find("client_bad_") != 0) continue;
    v1::ClientFrame frame;
    const bool parsed = frame.ParseFromString(bytes_of(entry.path()));
    EXPECT_TRUE(!parsed || frame.body_case() == v1::ClientFrame::BODY_NOT_SET) << entry.path();
    ++checked;
  }
  EXPECT_GE(checked, 2);
}

TEST(Codec, extras_of_an_envelope_equal_the_generated_encoding) {
  const MessageId id = make_message_id(1'700'000'000'000);
  const std::string relates = id.str();
  v1::Envelope expected;
  expected.set_id(id.str());
  expected.set_from(42);
  expected.set_from_device(3);
  expected.set_chat(std::string(16, 'c'));
  expected.set_chat_seq(5);
  expected.set_payload("p");
  expected.set_ttl_s(60);
  expected.set_relates_to(relates);
  expected.set_ends_epoch(0);
  expected.mutable_event()->set_version(9);
  EnvelopeExtras extras;
  extras.chat = ChatId::from(std::string(16, 'c'));
  extras.ttl_s = 60;
  extras.relates_to = relates;
  extras.ends_epoch = 0;
  const std::string event = expected.event().SerializeAsString();
  extras.event = event;
  v1::Envelope read;
  ASSERT_TRUE(read.ParseFromString(encode_envelope(id, UserId(42), DeviceId(3), ChatSeq(5), 0, "p", extras)));
  expected.set_time_delta_ms(0);
  const std::string bytes = expected.SerializeAsString();
  EXPECT_EQ(read.SerializeAsString(), bytes);
  const auto view = parse_envelope(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->chat, extras.chat);
  EXPECT_EQ(view->event, event);
  EXPECT_EQ(view->ttl_s, 60U);
}

TEST(Codec, content_that_is_gone_leaves_everything_else) {
  v1::Envelope envelope;
  envelope.set_id(std::string(16, 'i'));
  envelope.set_from(1);
  envelope.set_chat_seq(2);
  envelope.set_payload("secret");
  envelope.add_device_payloads()->set_payload("secret too");
  envelope.set_welcome("secret as well");
  envelope.add_joins()->set_user_id(0x746572636573);  // "secret" in the bytes
  const std::string emptied = without_content(envelope.SerializeAsString(), GoneReason::removed);
  EXPECT_EQ(emptied.find("secret"), std::string::npos);
  v1::Envelope read;
  ASSERT_TRUE(read.ParseFromString(emptied));
  EXPECT_EQ(read.gone(), v1::REMOVED);
  EXPECT_EQ(read.id(), envelope.id());
  EXPECT_EQ(read.chat_seq(), 2U);
  EXPECT_EQ(without_content(emptied, GoneReason::removed), emptied);
}

TEST(Codec, device_gets_its_own_payload_and_no_other) {
  v1::Envelope envelope;
  envelope.set_id(std::string(16, 'i'));
  envelope.set_from(1);
  for (std::uint32_t device = 1; device <= 3; ++device) {
    auto& one = *envelope.add_device_payloads();
    one.set_user_id(7);
    one.set_device_id(device);
    one.set_payload("for " + std::to_string(device));
  }
  const std::string bytes = envelope.SerializeAsString();
  ASSERT_TRUE(parse_envelope(bytes)->per_device);
  v1::Envelope read;
  ASSERT_TRUE(read.ParseFromString(for_device(bytes, UserId(7), DeviceId(2))));
  EXPECT_EQ(read.payload(), "for 2");
  EXPECT_EQ(read.device_payloads_size(), 0);
  ASSERT_TRUE(read.ParseFromString(for_device(bytes, UserId(8), DeviceId(2))));
  EXPECT_EQ(read.payload(), "");
}

TEST(Codec, welcome_is_for_the_devices_that_come_in) {
  v1::Envelope envelope;
  envelope.set_id(std::string(16, 'i'));
  envelope.set_from(1);
  envelope.set_payload("commit");
  envelope.set_ends_epoch(0);
  envelope.set_welcome("welcome");
  for (const std::uint32_t device : {2U, 3U}) {
    envelope.add_joins()->set_user_id(7);
    envelope.mutable_joins()->rbegin()->set_device_id(device);
  }
  const std::string bytes = envelope.SerializeAsString();
  const auto view = parse_envelope(bytes);
  ASSERT_TRUE(view && view->per_device && view->ends_epoch);
  const auto for_one = [&](std::uint64_t user, std::uint32_t device) {
    v1::Envelope read;
    EXPECT_TRUE(read.ParseFromString(for_device(bytes, UserId(user), DeviceId(device))));
    EXPECT_EQ(read.payload(), "commit");
    EXPECT_EQ(read.joins_size(), 0);
    return read.welcome();
  };
  EXPECT_EQ(for_one(7, 2), "welcome");
  EXPECT_EQ(for_one(7, 3), "welcome");
  EXPECT_EQ(for_one(7, 1), "");
  EXPECT_EQ(for_one(8, 2), "");
}

}  // namespace
}  // namespace godwit
