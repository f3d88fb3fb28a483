#include "presence/frames.h"

#include <gtest/gtest.h>

#include <vector>

#include "godwit.pb.h"

namespace godwit {
namespace {

TEST(PresenceFrames, BytesAreThoseOfTheGeneratedClasses) {
  std::vector<Presence> presences;
  for (const std::int64_t last_seen_ms : {0LL, 1LL, 127LL, 128LL, 1'700'000'000'000LL, -1LL}) {
    for (const auto state : {PresenceState::hidden, PresenceState::offline, PresenceState::idle, PresenceState::online}) {
      presences.push_back({UserId(0x8000'0000'0000'0001ULL + presences.size()), state, last_seen_ms});
      v1::ServerFrame frame;
      fill_presences(presences, *frame.mutable_presences());
      std::string encoded = "of before";
      encode_presences(presences, encoded);
      EXPECT_EQ(encoded, frame.SerializeAsString());
    }
  }
}

TEST(PresenceFrames, ATypingNoticeNamesItsGroup) {
  v1::ServerFrame frame;
  const ChatId chat = ChatId::from("0123456789abcdef");
  ASSERT_TRUE(frame.ParseFromString(encode_typing_notice(UserId(7), chat, v1::RECORDING, 5'000)));
  EXPECT_EQ(frame.request_id(), 0U);
  EXPECT_EQ(frame.typing_notice().from(), 7U);
  EXPECT_EQ(frame.typing_notice().chat(), chat.str());
  EXPECT_EQ(frame.typing_notice().state(), v1::RECORDING);
  ASSERT_TRUE(frame.ParseFromString(encode_typing_notice(UserId(7), std::nullopt, v1::TYPING, 5'000)));
  EXPECT_TRUE(frame.typing_notice().chat().empty());
}

}  // namespace
}  // namespace godwit
