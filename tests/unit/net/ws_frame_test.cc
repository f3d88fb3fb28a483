#include "net/ws_frame.h"

#include <gtest/gtest.h>

#include <random>

#include "net/utf8.h"
#include "net_fixture.h"

namespace godwit::net {
namespace {

using Kind = WsEvent::Kind;

constexpr WsRules kBinary{.max_message_bytes = 1000, .text = false};
constexpr WsRules kText{.max_message_bytes = 1000, .text = true};

std::string text_of(const WsEvent& event) {
  return {event.payload.data(), event.payload.size()};
}

WsEvent read_one(std::string bytes, const WsRules& rules = kBinary) {
  WsReader reader;
  WsEvent event = reader.next(bytes, rules);
  event.payload = {};
  return event;
}

void expect_fault(const std::string& bytes, CloseReason reason, const WsRules& rules = kBinary) {
  const WsEvent event = read_one(bytes, rules);
  ASSERT_EQ(event.kind, Kind::fault);
  EXPECT_EQ(event.fault, reason) << close_info(event.fault).name;
}

// Feeds `bytes` in pieces of random size, as a socket might, and gives all messages.
std::vector<std::string> read_in_pieces(const std::string& bytes, const WsRules& rules, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string> messages;
  WsReader reader;
  std::string pending;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(1 + random() % 7, bytes.size() - at);
    pending.append(bytes, at, size);
    at += size;
    for (;;) {
      const WsEvent event = reader.next(pending, rules);
      if (event.kind == Kind::message) messages.push_back(text_of(event));
      pending.erase(0, event.consumed);
      if (event.kind == Kind::need_more) break;
      if (event.kind == Kind::fault) return {"fault"};
    }
  }
  return messages;
}

TEST(WsReader, SectionFiveSevenExample_GivesHello) {
  // "A single-frame masked text message", RFC 6455, section 5.7.
  std::string bytes("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
  WsReader reader;
  const WsEvent event = reader.next(bytes, kText);
  EXPECT_EQ(event.kind, Kind::message);
  EXPECT_EQ(text_of(event), "Hello");
  EXPECT_EQ(event.consumed, bytes.size());
}

TEST(WsReader, SizesAroundTheLengthForms_AreReadBack) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 70000U}) {
    std::string payload(size, 'p');
    if (size > 0) payload.back() = 'q';
    std::string bytes = client_frame(WsOpcode::binary, payload);
    WsReader reader;
    const WsEvent event = reader.next(bytes, {.max_message_bytes = 100000});
    ASSERT_EQ(event.kind, Kind::message) << size;
    EXPECT_EQ(text_of(event), payload);
    EXPECT_EQ(event.consumed, bytes.size());
  }
}

TEST(WsReader, IncompleteFrame_SaysHowMuchIsNeededAndLeavesBytesAlone) {
  const std::string whole = client_frame(WsOpcode::binary, std::string(300, 'a'));
  WsReader reader;
  for (const std::size_t size : {0U, 1U, 2U, 3U}) {
    std::string part = whole.substr(0, size);
    const WsEvent event = reader.next(part, kBinary);
    EXPECT_EQ(event.kind, Kind::need_more);
    EXPECT_EQ(event.needed, 0U);
  }
  std::string part = whole.substr(0, 200);
  const WsEvent event = reader.next(part, kBinary);
  EXPECT_EQ(event.kind, Kind::need_more);
  EXPECT_EQ(event.needed, whole.size());
  EXPECT_EQ(part, whole.substr(0, 200));
}

TEST(WsReader, FragmentsWithControlFramesBetween_AreOneMessage) {
  std::string bytes = client_frame(WsOpcode::binary, "one ", false) + client_frame(WsOpcode::ping, "p") +
                      client_frame(WsOpcode::continuation, "two ", false) +
                      client_frame(WsOpcode::continuation, "three") + client_frame(WsOpcode::binary, "next");
  WsReader reader;
  std::span<char> rest(bytes);
  WsEvent event = reader.next(rest, kBinary);
  EXPECT_EQ(event.kind, Kind::ping);
  EXPECT_EQ(text_of(event), "p");
  rest = rest.subspan(event.consumed);
  event = reader.next(rest, kBinary);
  EXPECT_EQ(event.kind, Kind::message);
  EXPECT_EQ(text_of(event), "one two three");
  rest = rest.subspan(event.consumed);
  EXPECT_EQ(text_of(reader.next(rest, kBinary)), "next");
}

TEST(WsReader, AnyCutOfTheStream_GivesTheSameMessages) {
  const std::string bytes =
      client_frame(WsOpcode::text, "\xCE\xBA\xE1\xBD", false) +  // cut within a character
      client_frame(WsOpcode::continuation, "\xB9", true) +
      client_frame(WsOpcode::text, std::string(200, 'x')) + client_frame(WsOpcode::text, "");
  for (unsigned seed = 1; seed <= 50; ++seed) {
    const std::vector<std::string> expected = {"\xCE\xBA\xE1\xBD\xB9", std::string(200, 'x'), ""};
    EXPECT_EQ(read_in_pieces(bytes, kText, seed), expected) << "seed " << seed;
  }
}

TEST(WsReader, BrokenFraming_IsAProtocolViolation) {
  const auto violation = CloseReason::protocol_violation;
  expect_fault(client_frame(WsOpcode::binary, "x", true, false), violation);  // not masked
  for (const char reserved : {0x40, 0x20, 0x10}) {
    std::string bytes = client_frame(WsOpcode::binary, "x");
    bytes[0] = static_cast<char>(bytes[0] | reserved);
    expect_fault(bytes, violation);
  }
  for (const int opcode : {3, 7, 11, 15})
    expect_fault(client_frame(static_cast<WsOpcode>(opcode), "x"), violation);
  expect_fault(client_frame(WsOpcode::ping, "x", false), violation);             // fragmented control
  expect_fault(client_frame(WsOpcode::ping, std::string(126, 'x')), violation);  // long control
  expect_fault(client_frame(WsOpcode::continuation, "x"), violation);            // nothing to continue
  expect_fault(client_frame(WsOpcode::binary, "x", false) + client_frame(WsOpcode::binary, "y"), violation);
  expect_fault(std::string("\x82\xFE\x00\x7D\0\0\0\0", 8), violation);               // 125 in 16 bits
  expect_fault(std::string("\x82\xFF\0\0\0\0\0\0\xFF\xFF\0\0\0\0", 14), violation);  // 65535 in 64 bits
  expect_fault(std::string("\x82\xFF\x80\0\0\0\0\0\0\0\0\0\0\0", 14), violation);    // highest bit set
}

TEST(WsReader, TooLargeMessage_IsRefusedByItsHeader) {
  std::string bytes = client_frame(WsOpcode::binary, std::string(1001, 'x'));
  expect_fault(bytes.substr(0, 8), CloseReason::frame_too_big);
  EXPECT_EQ(read_one(client_frame(WsOpcode::binary, std::string(1000, 'x'))).kind, Kind::message);
  expect_fault(std::string("\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0", 14),
               CloseReason::frame_too_big);
  expect_fault(client_frame(WsOpcode::binary, std::string(600, 'x'), false) +
                   client_frame(WsOpcode::continuation, std::string(401, 'x'), false),
               CloseReason::frame_too_big);
}

TEST(WsReader, WrongKindOfMessage_IsUnsupportedData) {
  expect_fault(client_frame(WsOpcode::text, "x"), CloseReason::unsupported_data, kBinary);
  expect_fault(client_frame(WsOpcode::binary, "x"), CloseReason::unsupported_data, kText);
}

TEST(WsReader, TextThatIsNotUtf8_IsRefusedAsSoonAsItIsSeen) {
  expect_fault(client_frame(WsOpcode::text, "\xC0\xAF"), CloseReason::invalid_utf8, kText);
  expect_fault(client_frame(WsOpcode::text, "ab\xE2\x82"), CloseReason::invalid_utf8, kText);
  expect_fault(client_frame(WsOpcode::text, "\xED\xA0", false), CloseReason::invalid_utf8, kText);
  EXPECT_EQ(read_one(client_frame(WsOpcode::binary, "\xC0\xAF")).kind, Kind::message);
}

TEST(WsReader, CloseFrames_GiveCodeAndReasonOrFault) {
  WsReader reader;
  std::string empty = client_frame(WsOpcode::close, "");
  EXPECT_EQ(reader.next(empty, kBinary).close_code, kNoCloseCode);
  std::string with_reason = client_frame(WsOpcode::close,
                                         "\x03\xE8"
                                         "bye");
  const WsEvent event = reader.next(with_reason, kBinary);
  EXPECT_EQ(event.kind, Kind::close);
  EXPECT_EQ(event.close_code, 1000);
  EXPECT_EQ(text_of(event), "bye");
  expect_fault(client_frame(WsOpcode::close, "\x03"), CloseReason::protocol_violation);
  expect_fault(client_frame(WsOpcode::close, "\x03\xED"), CloseReason::protocol_violation);  // 1005
  expect_fault(client_frame(WsOpcode::close, "\x03\xE8\xFF"), CloseReason::invalid_utf8);
}

TEST(CloseCode, PermittedOnes_AreThoseOfTheRegistry) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1014, 3000, 4999}) {
    EXPECT_TRUE(is_valid_close_code(static_cast<std::uint16_t>(code))) << code;
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535}) {
    EXPECT_FALSE(is_valid_close_code(static_cast<std::uint16_t>(code))) << code;
  }
}

TEST(Unmask, EveryLengthAndOffset_UndoesTheMask) {
  const char key[4] = {1, 2, 3, 4};
  for (std::size_t size = 0; size < 40; ++size) {
    std::string data(size, 0);
    unmask(data, key);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(data[i], key[i % 4]);
  }
}

TEST(WsCloseFrame, LongText_IsCutToAControlFrame) {
  std::string out;
  append_ws_close(out, 1001, std::string(500, 'r'));
  EXPECT_EQ(out.size(), 2 + kMaxControlPayload);
  EXPECT_EQ(static_cast<unsigned char>(out[1]), kMaxControlPayload);
}

TEST(Utf8, ValidAndInvalidSequences_AreToldApart) {
  for (const std::string good :
       {"", "plain ascii that is longer than eight", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const std::string bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC2", "\xE1\x80", "\xF1\x80\x80", "a\xC2z"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace godwit::net
