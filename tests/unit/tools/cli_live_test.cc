// Presence, statuses and calls: their words, and what counts as news.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "base/random.h"
#include "cli_people.h"
#include "tools/cli/call_book.h"
#include "tools/cli/call_text.h"
#include "tools/cli/format.h"
#include "tools/cli/group_text.h"
#include "tools/cli/news.h"
#include "tools/cli/outbox.h"
#include "tools/cli/payload_crypto.h"
#include "tools/cli/presence_text.h"
#include "tools/cli/status_text.h"

namespace godwit::cli {
namespace {

using namespace std::chrono_literals;

// Ids are random: libsodium comes first.
[[maybe_unused]] const bool kReady = (init_crypto(), true);
constexpr std::uint32_t kDevice = 1;
const KnownCall::Time kStart{std::chrono::hours(1)};
constexpr std::int64_t kNowMs = 1'700'000'000'000;

v1::Presence presence(UserId user, v1::PresenceState state, std::int64_t last_seen_ms = 0) {
  v1::Presence out;
  out.set_user_id(user.value);
  out.set_state(state);
  out.set_last_seen_ms(last_seen_ms);
  return out;
}

TEST(presence_text, states_and_last_seen_as_far_as_they_are_told) {
  const std::string time = format_time(kNowMs - 60'000, kNowMs);
  EXPECT_EQ(presence_text(presence(kBob, v1::ONLINE), kNowMs), "online");
  EXPECT_EQ(presence_text(presence(kBob, v1::OFFLINE, kNowMs - 60'000), kNowMs),
            "offline, last seen " + time);
  EXPECT_EQ(presence_text(presence(kBob, v1::OFFLINE), kNowMs), "offline");
  EXPECT_EQ(presence_text(presence(kBob, v1::PRESENCE_HIDDEN), kNowMs), "not told");
  EXPECT_EQ(presence_text(presence(kBob, static_cast<v1::PresenceState>(99)), kNowMs), "not told");
  EXPECT_EQ(presence_change_text(presence(kBob, v1::OFFLINE, kNowMs - 60'000), kNowMs),
            "has left, last seen " + time);
  EXPECT_EQ(presence_change_text(presence(kBob, v1::IDLE), kNowMs), "is idle");
}

TEST(presence_book, only_changes_are_news) {
  PresenceBook book;
  EXPECT_TRUE(book.learn(presence(kBob, v1::ONLINE)));
  EXPECT_FALSE(book.learn(presence(kBob, v1::ONLINE)));
  EXPECT_TRUE(book.learn(presence(kBob, v1::OFFLINE, 5)));
  EXPECT_FALSE(book.learn(presence(kBob, v1::OFFLINE, 6)));
  EXPECT_EQ(book.known().at(kBob).last_seen_ms(), 6);
}

v1::TypingNotice notice(v1::TypingState state, std::uint32_t expires_ms = 5000) {
  v1::TypingNotice out;
  out.set_from(kBob.value);
  out.set_state(state);
  out.set_expires_ms(expires_ms);
  return out;
}

TEST(typing_board, repetition_is_no_news_and_keeps_it_alive) {
  TypingBoard board;
  EXPECT_TRUE(board.learn(notice(v1::TYPING), kStart));
  EXPECT_FALSE(board.learn(notice(v1::TYPING), kStart + 4s));
  EXPECT_TRUE(board.expire(kStart + 8s).empty());
  EXPECT_TRUE(board.learn(notice(v1::RECORDING), kStart + 8s));
  EXPECT_EQ(board.next_expiry(), kStart + 13s);
  const auto gone = board.expire(kStart + 13s);
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].first.second, kBob);
  EXPECT_EQ(gone[0].second, v1::RECORDING);
  EXPECT_FALSE(board.next_expiry());
}

TEST(typing_board, stop_is_news_only_of_those_who_typed) {
  TypingBoard board;
  EXPECT_FALSE(board.learn(notice(v1::STOPPED), kStart));
  EXPECT_TRUE(board.learn(notice(v1::TYPING), kStart));
  EXPECT_TRUE(board.learn(notice(v1::STOPPED), kStart));
  EXPECT_TRUE(board.learn(notice(v1::TYPING), kStart));
  board.forget({kBob, kBob});
  EXPECT_FALSE(board.learn(notice(v1::STOPPED), kStart));
}

TEST(typing_board, chats_are_told_apart_and_their_number_is_bounded) {
  v1::TypingNotice in_group = notice(v1::TYPING);
  in_group.set_chat(kGroup.str());
  EXPECT_EQ(chat_of(in_group), ChatRef(kGroup));
  EXPECT_EQ(chat_of(notice(v1::TYPING)), ChatRef(kBob));
  TypingBoard board;
  EXPECT_TRUE(board.learn(notice(v1::TYPING), kStart));
  EXPECT_TRUE(board.learn(in_group, kStart));
  for (std::uint64_t user = 10; user < 10 + TypingBoard::kMaxTyping; ++user) {
    v1::TypingNotice other = notice(v1::TYPING);
    other.set_from(user);
    board.learn(other, kStart);
  }
  EXPECT_EQ(board.expire(kStart + 1h).size(), TypingBoard::kMaxTyping);
}

TEST(news, presence_gives_way_to_calls_when_nobody_looks) {
  News news;
  v1::ServerFrame passing;
  passing.mutable_presences();
  for (std::size_t i = 0; i < 2 * News::kMaxWaiting; ++i) news.add(passing);
  v1::ServerFrame call;
  call.mutable_call_changed();
  news.add(call);
  for (std::size_t i = 0; i < News::kMaxWaiting; ++i) EXPECT_TRUE(news.take().has_presences());
  EXPECT_TRUE(news.take().has_call_changed());
  EXPECT_TRUE(news.empty());
}

v1::StatusRef status(UserId author, char tag, std::int64_t posted_ms) {
  v1::StatusRef ref;
  ref.set_author(author.value);
  MessageId id = make_message_id(posted_ms);
  id.bytes[15] = static_cast<std::uint8_t>(tag);
  ref.set_id(id.str());
  ref.set_posted_ms(posted_ms);
  return ref;
}

TEST(status_text, numbers_count_from_the_newest_of_each_author) {
  const auto all = listed({status(kAnn, 'a', 1000), status(kBob, 'b', 500), status(kAnn, 'c', 3000)});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].number, 2U);
  EXPECT_EQ(all[1].number, 1U);
  EXPECT_EQ(all[2].number, 1U);
  EXPECT_EQ(choose_status(all, kAnn, "1"), all[2].id);
  EXPECT_EQ(choose_status(all, kAnn, "2"), all[0].id);
  EXPECT_EQ(choose_status(all, kAnn, format_uuid(all[0].id)), all[0].id);
  EXPECT_FALSE(choose_status(all, kBob, format_uuid(all[0].id)));
  for (const char* wrong : {"0", "3", "", "1x", "-1", "one"})
    EXPECT_FALSE(choose_status(all, kAnn, wrong)) << wrong;
}

TEST(status_text, malformed_ids_are_left_out) {
  v1::StatusRef wrong;
  wrong.set_id("short");
  EXPECT_TRUE(listed({wrong}).empty());
}

TEST(status_text, time_left_and_names) {
  EXPECT_EQ(time_left_text(kNowMs + 86'400'000 - 1, kNowMs), "goes in 24 h");
  EXPECT_EQ(time_left_text(kNowMs + 300'000, kNowMs), "goes in 5 min");
  EXPECT_EQ(time_left_text(kNowMs + 59'000, kNowMs), "goes in 59 s");
  EXPECT_EQ(time_left_text(kNowMs, kNowMs), "gone");
  EXPECT_EQ(split_names("bob,,carol,"), (std::vector<std::string>{"bob", "carol"}));
  EXPECT_TRUE(split_names("").empty());
}

TEST(status_crypto, is_read_with_the_passphrase_and_only_as_its_authors) {
  const MessageId id = make_message_id(kNowMs);
  const GroupSecret secret = GroupSecret::derive("correct horse");
  const std::string sealed = secret.status_key_of(kAnn).seal("at the sea", kAnn, id);
  EXPECT_EQ(GroupSecret::derive("correct horse").status_key_of(kAnn).open(sealed, kAnn, id), "at the sea");
  EXPECT_FALSE(secret.status_key_of(kBob).open(sealed, kBob, id));
  EXPECT_FALSE(secret.status_key_of(kAnn).open(sealed, kAnn, make_message_id(kNowMs)));
  EXPECT_FALSE(secret.key_of(kGroup).open(sealed, kAnn, id));
}

TEST(status_crypto, reply_is_bound_to_its_status) {
  const MessageId id = make_message_id(kNowMs);
  const MessageId status_id = make_message_id(kNowMs);
  const ChatKey key = GroupSecret::derive("correct horse").key_of(kGroup);
  const std::string sealed = key.seal_reply("nice", kBob, id, status_id);
  EXPECT_EQ(key.open_reply(sealed, kBob, id, status_id), "nice");
  EXPECT_FALSE(key.open_reply(sealed, kBob, id, make_message_id(kNowMs)));
  EXPECT_FALSE(key.open(sealed, kBob, id));
  EXPECT_FALSE(key.open_reply(key.seal("nice", kBob, id), kBob, id, status_id));
}

TEST(outbox, what_a_message_answers_is_in_the_request) {
  OutgoingMessage message{make_message_id(kNowMs), kBob, "sealed", 0, kGroup.str()};
  EXPECT_EQ(to_request(message).relates_to(), kGroup.str());
  message.relates_to.clear();
  EXPECT_TRUE(to_request(message).relates_to().empty());
}

v1::CallRecord record(v1::CallEndReason reason, std::uint32_t seconds = 0, std::uint32_t participants = 0) {
  v1::CallRecord out;
  out.set_reason(reason);
  out.set_duration_s(seconds);
  out.set_participants(participants);
  return out;
}

TEST(call_text, records_of_every_end) {
  EXPECT_EQ(call_record_text(record(v1::HUNG_UP, 750)), "made a call of 12:30");
  EXPECT_EQ(call_record_text(record(v1::LOST, 3723)), "made a call of 1:02:03: a side lost its connection");
  EXPECT_EQ(call_record_text(record(v1::NOT_ANSWERED)), "made a call: not answered");
  EXPECT_EQ(call_record_text(record(v1::CALL_GOES_ON)), "began a call");
  EXPECT_EQ(call_record_text(record(v1::HUNG_UP, 7, 3)), "began a call, which 3 were in for 0:07");
  v1::CallRecord video = record(v1::BUSY);
  video.set_kind(v1::VIDEO);
  EXPECT_EQ(call_record_text(video), "made a video call: busy");
  EXPECT_EQ(call_end_name(static_cast<v1::CallEndReason>(99)), "other");
}

TEST(call_text, record_is_an_event_of_its_chat) {
  v1::ChatEvent event;
  *event.mutable_call() = record(v1::CANCELLED);
  const auto name_of = [](UserId) { return std::string("ann"); };
  EXPECT_EQ(event_text(event, kAnn, 7, name_of, {}), "ann made a call: given up before it was answered");
}

v1::CallOffered offer(const MessageId& id) {
  v1::CallOffered out;
  out.set_id(id.str());
  out.set_from(kBob.value);
  out.set_from_device(4);
  out.set_ring_ms(45'000);
  return out;
}

v1::CallChanged change(const MessageId& id, v1::CallPhase phase, std::uint32_t device = 0,
                       v1::CallEndReason reason = v1::CALL_GOES_ON) {
  v1::CallChanged out;
  out.set_id(id.str());
  out.set_peer(kBob.value);
  out.set_phase(phase);
  out.set_device(device);
  out.set_reason(reason);
  return out;
}

KnownCall outgoing(const MessageId& id) {
  KnownCall call;
  call.id = id;
  call.chat = kBob;
  call.outgoing = true;
  return call;
}

TEST(call_book, placed_call_rings_is_answered_and_ends) {
  CallBook book(kAnn, kDevice);
  const MessageId id = make_message_id(kNowMs);
  book.placed(outgoing(id), kStart);
  EXPECT_EQ(book.changed(change(id, v1::RINGING), kStart)->phase, v1::RINGING);
  EXPECT_FALSE(book.changed(change(id, v1::RINGING), kStart)) << "a second device rings: no news";
  const auto active = book.changed(change(id, v1::ACTIVE, 3), kStart + 5s);
  ASSERT_TRUE(active);
  EXPECT_EQ(active->device, 3U);
  EXPECT_FALSE(book.changed(change(id, v1::RINGING), kStart + 6s)) << "late";
  const auto over = book.changed(change(id, v1::ENDED, 0, v1::HUNG_UP), kStart + 65s);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->reason, v1::HUNG_UP);
  EXPECT_EQ(over->seconds(kStart + 65s), 60U);
  EXPECT_EQ(book.own(), nullptr);
  EXPECT_FALSE(book.changed(change(id, v1::ENDED), kStart + 66s));
}

TEST(call_book, offer_told_again_is_no_news_and_an_answer_is_told_once) {
  CallBook book(kAnn, kDevice);
  const MessageId id = make_message_id(kNowMs);
  EXPECT_TRUE(book.offered(offer(id), kStart));
  EXPECT_FALSE(book.offered(offer(id), kStart));
  ASSERT_NE(book.ringing(kStart), nullptr);
  EXPECT_EQ(book.ringing(kStart)->device, 4U);
  EXPECT_TRUE(book.changed(change(id, v1::ACTIVE, kDevice), kStart)) << "before the reply to AnswerCall";
  EXPECT_FALSE(book.answered(id, kStart));
  EXPECT_EQ(book.ringing(kStart), nullptr);
  ASSERT_NE(book.own(), nullptr);
  EXPECT_EQ(book.own()->phase, v1::ACTIVE);
}

TEST(call_book, answer_on_another_device_ends_the_ringing_here) {
  CallBook book(kAnn, kDevice);
  const MessageId id = make_message_id(kNowMs);
  book.offered(offer(id), kStart);
  const auto over = book.changed(change(id, v1::ACTIVE, kDevice + 1), kStart);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->phase, v1::ENDED);
  EXPECT_EQ(over->reason, v1::ELSEWHERE);
  EXPECT_EQ(book.own(), nullptr);
}

TEST(call_book, ringing_is_bounded_in_time_and_number) {
  CallBook book(kAnn, kDevice);
  for (std::size_t i = 0; i < CallBook::kMaxRinging; ++i) {
    EXPECT_TRUE(book.offered(offer(make_message_id(kNowMs)), kStart));
  }
  EXPECT_FALSE(book.offered(offer(make_message_id(kNowMs)), kStart));
  EXPECT_NE(book.ringing(kStart + 45s), nullptr);
  EXPECT_EQ(book.ringing(kStart + 60s), nullptr);
  EXPECT_TRUE(book.offered(offer(make_message_id(kNowMs)), kStart + 60s));
}

TEST(call_book, malformed_ids_are_passed_over) {
  CallBook book(kAnn, kDevice);
  v1::CallOffered wrong;
  wrong.set_id("short");
  EXPECT_FALSE(book.offered(wrong, kStart));
  EXPECT_FALSE(book.changed(v1::CallChanged(), kStart));
  EXPECT_FALSE(book.roster(v1::CallState()));
}

v1::CallState group_call(const MessageId& id, const std::vector<std::pair<std::uint64_t, bool>>& who) {
  v1::CallState state;
  state.set_id(id.str());
  state.set_chat(kGroup.str());
  state.set_phase(v1::ACTIVE);
  for (const auto& [user, connected] : who) {
    v1::CallParticipant& p = *state.add_participants();
    p.set_user_id(user);
    p.set_device_id(kDevice);
    p.set_connected(connected);
  }
  return state;
}

TEST(call_book, roster_tells_who_came_went_and_lost_the_connection) {
  CallBook book(kAnn, kDevice);
  const MessageId id = make_message_id(kNowMs);
  book.joined(group_call(id, {{1, true}, {2, true}}), kStart);
  const auto first = book.roster(group_call(id, {{1, true}, {2, false}, {3, true}}));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->came, (std::vector<RosterChange::Seat>{{UserId(3), kDevice}}));
  EXPECT_EQ(first->lost, (std::vector<RosterChange::Seat>{{kBob, kDevice}}));
  const auto second = book.roster(group_call(id, {{1, true}, {2, true}}));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->left, (std::vector<RosterChange::Seat>{{UserId(3), kDevice}}));
  EXPECT_EQ(second->back, (std::vector<RosterChange::Seat>{{kBob, kDevice}}));
  EXPECT_FALSE(second->ended);
  const auto last = book.roster(group_call(id, {{2, true}}));
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->ended) << "without us it is over for us";
  EXPECT_EQ(book.own(), nullptr);
}

TEST(call_book, state_after_a_reconnect_is_a_change_like_any_other) {
  CallBook book(kAnn, kDevice);
  const MessageId id = make_message_id(kNowMs);
  book.placed(outgoing(id), kStart);
  v1::CallState state;
  state.set_id(id.str());
  state.set_peer(kBob.value);
  state.set_phase(v1::ACTIVE);
  v1::CallParticipant& self = *state.add_participants();
  self.set_user_id(kAnn.value);
  self.set_device_id(kDevice);
  v1::CallParticipant& other = *state.add_participants();
  other.set_user_id(kBob.value);
  other.set_device_id(6);
  const auto active = book.changed(CallBook::as_change(state, kAnn), kStart);
  ASSERT_TRUE(active);
  EXPECT_EQ(active->device, 6U);
  EXPECT_FALSE(book.changed(CallBook::as_change(state, kAnn), kStart));
}

}  // namespace
}  // namespace godwit::cli
