// Direct calls: every step, and every step that is refused.
#include <gmock/gmock.h>

#include "call_fixture.h"

namespace godwit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DirectCall : public CallFixture {};

TEST_F(DirectCall, rings_everywhere_and_the_first_answer_wins) {
  connect_all();
  const MessageId id = new_id();
  const auto placed = place(kAnnPhone, kBob, id);
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->devices, 2U);
  EXPECT_EQ(placed->ring_ms, 45'000U);
  const auto offered = take(kBobPhone);
  ASSERT_EQ(offered.size(), 1U);
  EXPECT_EQ(offered[0].call_offered().id(), id.str());
  EXPECT_EQ(offered[0].call_offered().from(), kAnn.value);
  EXPECT_EQ(offered[0].call_offered().from_device(), 1U);
  EXPECT_EQ(offered[0].call_offered().kind(), v1::VIDEO);
  EXPECT_EQ(offered[0].call_offered().ring_ms(), 45'000U);
  EXPECT_THAT(heard(kBobDesk), ElementsAre("offered offer"));
  EXPECT_THAT(heard(kAnnDesk), IsEmpty());
  EXPECT_EQ(gauge("godwit_calls_ringing"), 1);

  EXPECT_EQ(ring(kBobPhone, kAnn, id), Errc::ok);
  EXPECT_EQ(ring(kBobDesk, kAnn, id), Errc::ok);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed RINGING"));

  EXPECT_EQ(answer(kBobDesk, kAnn, id), Errc::ok);
  const auto told = take(kAnnPhone);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].call_changed().phase(), v1::ACTIVE);
  EXPECT_EQ(told[0].call_changed().answer(), "answer");
  EXPECT_EQ(told[0].call_changed().device(), 2U);
  EXPECT_EQ(told[0].call_changed().peer(), kBob.value);
  EXPECT_THAT(heard(kBobPhone), ElementsAre("changed ENDED ELSEWHERE"));
  EXPECT_THAT(heard(kBobDesk), IsEmpty());
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::call_answered);
  EXPECT_EQ(answer(kBobDesk, kAnn, id), Errc::ok) << "the same answer again";
  EXPECT_EQ(gauge("godwit_calls_ringing"), 0);
  EXPECT_EQ(gauge("godwit_calls_active"), 1);

  clock_.advance(61'500);
  EXPECT_EQ(end(kAnnPhone, kBob, id), Errc::ok);
  EXPECT_THAT(heard(kBobDesk), ElementsAre("changed ENDED HUNG_UP"));
  EXPECT_THAT(heard(kBobPhone), IsEmpty());
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_EQ(records_[0].from, kAnnPhone);
  EXPECT_EQ(records_[0].to, kBob);
  EXPECT_NE(records_[0].id, id);
  EXPECT_FALSE(records_[0].begins);
  EXPECT_EQ(record(0).reason(), v1::HUNG_UP);
  EXPECT_EQ(record(0).duration_s(), 61U);
  EXPECT_EQ(gauge("godwit_calls_active"), 0);
  EXPECT_EQ(under_way_, 0);
}

TEST_F(DirectCall, over_is_over) {
  connect_all();
  const MessageId id = new_id();
  talk(id);
  EXPECT_EQ(end(kBobPhone, kAnn, id), Errc::ok);
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(answer(kBobDesk, kAnn, id), Errc::call_answered) << "the reason why it did not win";
  EXPECT_EQ(end(kBobPhone, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(signal(kAnnPhone, kBob, id, "x"), Errc::call_not_found);
  EXPECT_EQ(resume(kAnnPhone, kBob, id), Errc::call_not_found);
  EXPECT_EQ(ring(kBobPhone, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(get(kAnnPhone, kBob), Errc::call_not_found);
  pass(30'000);
  EXPECT_EQ(answer(kBobDesk, kAnn, id), Errc::call_not_found);
}

TEST_F(DirectCall, answer_of_a_cancelled_call_finds_none) {
  connect_all();
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  EXPECT_EQ(end(kAnnPhone, kBob, id, CallEnd::failed), Errc::ok);
  EXPECT_THAT(heard(kBobPhone), ElementsAre("offered offer", "changed ENDED CANCELLED"));
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(record(0).reason(), v1::CANCELLED);
  EXPECT_EQ(record(0).duration_s(), 0U);
}

TEST_F(DirectCall, callee_rejects_or_is_busy_or_fails) {
  connect_all();
  const std::vector<std::pair<CallEnd, std::string>> ends = {
      {CallEnd::rejected, "REJECTED"}, {CallEnd::busy, "BUSY"}, {CallEnd::failed, "FAILED"}, {CallEnd::hung_up, "REJECTED"}};
  for (const auto& [reason, told] : ends) {
    const MessageId id = new_id();
    ASSERT_TRUE(place(kAnnPhone, kBob, id));
    EXPECT_EQ(end(kBobDesk, kAnn, id, reason), Errc::ok);
    EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ENDED " + told));
    EXPECT_THAT(heard(kBobPhone), ElementsAre("offered offer", "changed ENDED ELSEWHERE"));
    EXPECT_THAT(heard(kBobDesk), ElementsAre("offered offer"));
  }
}

TEST_F(DirectCall, not_answered_within_the_ring_time) {
  connect_all();
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  pass(44'999);
  EXPECT_THAT(heard(kAnnPhone), IsEmpty());
  pass(1);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ENDED NOT_ANSWERED"));
  EXPECT_THAT(heard(kBobPhone), ElementsAre("offered offer", "changed ENDED NOT_ANSWERED"));
  EXPECT_EQ(record(0).reason(), v1::NOT_ANSWERED);
  connect(kBobPhone);
  EXPECT_THAT(heard(kBobPhone), IsEmpty()) << "rings no longer";
  EXPECT_EQ(metrics_.counter("godwit_calls_missed_total", "x").Value(), 1);
}

TEST_F(DirectCall, device_that_connects_while_it_rings_rings_too_and_others_are_woken) {
  connect(kAnnPhone);
  connect(kBobDesk);
  const MessageId id = new_id();
  EXPECT_EQ(place(kAnnPhone, kBob, id)->devices, 1U);
  ASSERT_EQ(wakes_.size(), 1U);
  EXPECT_EQ(wakes_[0].user, kBob);
  EXPECT_THAT(wakes_[0].devices, ElementsAre(DeviceId(1)));
  EXPECT_EQ(wakes_[0].collapse, hex(id.view()));
  EXPECT_EQ(wakes_[0].expires_s, 45U);
  pass(5'000);
  connect(kBobPhone);
  const auto offered = take(kBobPhone);
  ASSERT_EQ(offered.size(), 1U);
  EXPECT_EQ(offered[0].call_offered().ring_ms(), 40'000U);
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::ok);
  EXPECT_THAT(heard(kBobDesk), ElementsAre("offered offer", "changed ENDED ELSEWHERE"));
}

TEST_F(DirectCall, nobody_is_woken_when_all_are_here) {
  connect_all();
  ASSERT_TRUE(place(kAnnPhone, kBob, new_id()));
  EXPECT_THAT(wakes_, IsEmpty());
}

TEST_F(DirectCall, same_request_again_finds_the_same_call) {
  connect_all();
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  pass(1'000);
  const auto again = place(kAnnPhone, kBob, id);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->ring_ms, 44'000U);
  EXPECT_EQ(again->devices, 2U);
  EXPECT_THAT(heard(kBobPhone), ElementsAre("offered offer"));
  end(kBobPhone, kAnn, id, CallEnd::rejected);
  take(kAnnPhone);
  EXPECT_TRUE(place(kAnnPhone, kBob, id));
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ENDED REJECTED"));
  EXPECT_EQ(records_.size(), 1U);
}

TEST_F(DirectCall, second_call_in_the_chat_is_refused) {
  connect_all();
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  EXPECT_EQ(place(kAnnDesk, kBob, new_id()).error().code, Errc::call_exists);
  EXPECT_EQ(place(kAnnPhone, kBob, new_id()).error().code, Errc::call_exists);
  answer(kBobPhone, kAnn, id);
  EXPECT_EQ(place(kBobDesk, kAnn, new_id()).error().code, Errc::call_exists);
  end(kAnnPhone, kBob, id);
  EXPECT_TRUE(place(kBobDesk, kAnn, new_id()));
}

TEST_F(DirectCall, who_calls_second_is_told_of_the_first) {
  connect_all();
  const MessageId first = new_id();
  auto ann = std::make_shared<Placed>();
  auto bob = std::make_shared<Placed>();
  start_place(kAnnPhone, kBob, first, ann);
  start_place(kBobPhone, kAnn, new_id(), bob);  // while the first is being decided
  settle();
  ASSERT_TRUE(*ann && **ann && *bob && **bob);
  EXPECT_FALSE((**ann)->instead);
  EXPECT_EQ((**bob)->instead, first);
  EXPECT_EQ(place(kBobDesk, kAnn, new_id())->instead, first);
  EXPECT_EQ(answer(kBobPhone, kAnn, first), Errc::ok);
}

TEST_F(DirectCall, call_that_was_refused_makes_room_for_the_one_behind_it) {
  connect_all();
  accounts_[kBob].asks_first = true;
  auto ann = std::make_shared<Placed>();
  auto bob = std::make_shared<Placed>();
  start_place(kAnnPhone, kBob, new_id(), ann);
  start_place(kBobPhone, kAnn, new_id(), bob);
  settle();
  EXPECT_EQ((**ann).error().code, Errc::consent_needed);
  ASSERT_TRUE(**bob);
  EXPECT_FALSE((**bob)->instead);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("offered offer"));
}

TEST_F(DirectCall, early_candidates_follow_the_answer) {
  connect_all();
  const MessageId id = new_id();
  auto placed = std::make_shared<Placed>();
  start_place(kAnnPhone, kBob, id, placed);
  EXPECT_EQ(signal(kAnnPhone, kBob, id, "a"), Errc::ok) << "before the call is decided";
  EXPECT_EQ(signal(kAnnPhone, kBob, id, "b"), Errc::ok);
  EXPECT_EQ(signal(kBobPhone, kAnn, id, "x"), Errc::wrong_call_state);
  EXPECT_EQ(signal(kAnnDesk, kBob, id, "x"), Errc::call_not_found);
  EXPECT_GT(gauge("godwit_call_buffered_bytes"), 0);
  EXPECT_EQ(answer(kBobDesk, kAnn, id), Errc::ok);
  EXPECT_THAT(heard(kBobDesk), ElementsAre("offered offer", "signaled a", "signaled b"));
  EXPECT_GT(gauge("godwit_call_buffered_bytes"), 0) << "the answer, until the caller shows that it has it";
  EXPECT_EQ(signal(kAnnPhone, kBob, id, "c"), Errc::ok);
  EXPECT_EQ(gauge("godwit_call_buffered_bytes"), 0);
  EXPECT_EQ(signal(kBobDesk, kAnn, id, "d"), Errc::ok);
  EXPECT_EQ(signal(kBobPhone, kAnn, id, "x"), Errc::call_not_found);
  EXPECT_THAT(heard(kBobDesk), ElementsAre("signaled c"));
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ACTIVE", "signaled d"));
}

TEST_F(DirectCall, early_candidates_are_bounded) {
  options_.max_buffered_bytes = 100;
  restart();
  connect_all();
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  EXPECT_EQ(signal(kAnnPhone, kBob, id, std::string(60, 'x')), Errc::ok);
  EXPECT_EQ(signal(kAnnPhone, kBob, id, std::string(60, 'x')), Errc::overloaded);
  end(kAnnPhone, kBob, id);
  EXPECT_EQ(gauge("godwit_call_buffered_bytes"), 0);
}

TEST_F(DirectCall, strangers_to_the_call_find_none) {
  connect_all();
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  EXPECT_EQ(answer(kCatPhone, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(answer(kAnnPhone, kBob, id), Errc::call_not_found) << "one's own";
  EXPECT_EQ(ring(kAnnDesk, kBob, id), Errc::call_not_found);
  EXPECT_EQ(end(kAnnDesk, kBob, id), Errc::call_not_found) << "another device of the caller";
  EXPECT_EQ(resume(kBobPhone, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(answer(kBobPhone, kAnn, new_id()), Errc::call_not_found) << "another id";
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::ok);
  EXPECT_EQ(end(kBobDesk, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(ring(kBobPhone, kAnn, id), Errc::wrong_call_state);
  EXPECT_EQ(get(kBobDesk, kAnn), Errc::ok);
  EXPECT_EQ(state_.peer(), kAnn.value);
  EXPECT_EQ(state_.phase(), v1::ACTIVE);
  EXPECT_EQ(state_.participants_size(), 2);
}

TEST_F(DirectCall, who_is_blocked_hears_it_ring_like_a_phone_that_is_off) {
  connect_all();
  accounts_[kBob].blocks = true;
  const MessageId id = new_id();
  const auto blocked = place(kAnnPhone, kBob, id);
  ASSERT_TRUE(blocked);
  EXPECT_EQ(blocked->devices, 0U);
  EXPECT_EQ(blocked->ring_ms, 45'000U);
  EXPECT_THAT(heard(kBobPhone), IsEmpty());
  EXPECT_THAT(wakes_, IsEmpty());
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(get(kBobPhone, kAnn), Errc::call_not_found);
  EXPECT_EQ(get(kAnnPhone, kBob), Errc::ok);
  EXPECT_EQ(signal(kAnnPhone, kBob, id, "a"), Errc::ok);
  disconnect(kBobPhone);
  connect(kBobPhone);
  EXPECT_THAT(heard(kBobPhone), IsEmpty());
  pass(45'000);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ENDED NOT_ANSWERED"));
  EXPECT_THAT(heard(kBobPhone), IsEmpty());
  EXPECT_EQ(record(0).reason(), v1::NOT_ANSWERED);

  // A phone that is off.
  accounts_[kCat].devices = {DeviceId(1)};
  connected_.erase(kCatPhone);
  const auto off = place(kAnnPhone, kCat, new_id());
  EXPECT_EQ(off->devices, blocked->devices);
  EXPECT_EQ(off->ring_ms, blocked->ring_ms);
}

TEST_F(DirectCall, call_of_who_is_blocked_does_not_stand_in_the_way) {
  connect_all();
  accounts_[kBob].blocks = true;
  ASSERT_TRUE(place(kAnnPhone, kBob, new_id()));
  const auto placed = place(kBobPhone, kAnn, new_id());
  ASSERT_TRUE(placed);
  EXPECT_FALSE(placed->instead);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ENDED NOT_ANSWERED", "offered offer"));
}

TEST_F(DirectCall, unknown_and_unwilling_callees) {
  connect_all();
  accounts_[kBob].exists = false;
  EXPECT_EQ(place(kAnnPhone, kBob, new_id()).error().code, Errc::user_not_found);
  accounts_[kBob].exists = true;
  accounts_[kBob].asks_first = true;
  EXPECT_EQ(place(kAnnPhone, kBob, new_id()).error().code, Errc::consent_needed);
  accounts_[kBob].blocks = true;
  EXPECT_EQ(place(kAnnPhone, kBob, new_id()).error().code, Errc::consent_needed) << "the same to who is blocked";
  accounts_[kBob].blocks = false;
  standing_.empty = false;
  standing_.waits_consent = true;
  EXPECT_EQ(place(kAnnPhone, kBob, new_id()).error().code, Errc::consent_needed);
  standing_.waits_consent = false;
  EXPECT_TRUE(place(kAnnPhone, kBob, new_id()));
  EXPECT_EQ(under_way_, 1);
  EXPECT_EQ(gauge("godwit_calls_ringing"), 1);
}

TEST_F(DirectCall, id_far_from_the_clock_is_refused) {
  EXPECT_EQ(place(kAnnPhone, kBob, make_message_id(clock_.wall_ms() - 300'001)).error().code, Errc::message_id_expired);
  EXPECT_EQ(place(kAnnPhone, kBob, make_message_id(clock_.wall_ms() + 300'001)).error().code, Errc::message_id_expired);
  EXPECT_TRUE(place(kAnnPhone, kBob, make_message_id(clock_.wall_ms() - 299'000)));
}

TEST_F(DirectCall, more_than_may_ring_find_the_callee_busy) {
  options_.max_ringing = 1;
  restart();
  connect_all();
  EXPECT_TRUE(place(kAnnPhone, kBob, new_id()));
  take(kBobPhone);
  EXPECT_TRUE(place(kCatPhone, kBob, new_id()));
  EXPECT_THAT(heard(kCatPhone), ElementsAre("changed ENDED BUSY"));
  EXPECT_THAT(heard(kBobPhone), IsEmpty());
  EXPECT_EQ(record(0).reason(), v1::BUSY);
  accounts_[kBob].blocks = true;
  ASSERT_TRUE(place(kCatPhone, kBob, new_id()));
  EXPECT_THAT(heard(kCatPhone), ElementsAre("changed ENDED BUSY")) << "the same to who is blocked";
}

TEST_F(DirectCall, calls_are_bounded_over_the_server) {
  options_.max_calls = 1;
  restart();
  connect_all();
  const MessageId id = new_id();
  EXPECT_TRUE(place(kAnnPhone, kBob, id));
  EXPECT_EQ(place(kCatPhone, kBob, new_id()).error().code, Errc::overloaded);
  end(kAnnPhone, kBob, id);
  EXPECT_TRUE(place(kCatPhone, kBob, new_id()));
}

TEST_F(DirectCall, what_passes_while_a_device_is_away_follows_its_return) {
  connect_all();
  const MessageId id = new_id();
  talk(id);
  disconnect(kBobPhone);
  EXPECT_EQ(signal(kAnnPhone, kBob, id, "a"), Errc::ok);
  connect(kBobPhone);
  EXPECT_EQ(signal(kAnnPhone, kBob, id, "b"), Errc::ok);
  EXPECT_THAT(heard(kBobPhone), IsEmpty()) << "it has not resumed yet";
  EXPECT_EQ(resume(kBobPhone, kAnn, id), Errc::ok);
  EXPECT_EQ(state_.id(), id.str());
  EXPECT_EQ(state_.peer(), kAnn.value);
  EXPECT_EQ(state_.phase(), v1::ACTIVE);
  EXPECT_THAT(heard(kBobPhone), ElementsAre("signaled a", "signaled b"));
  EXPECT_EQ(signal(kAnnPhone, kBob, id, "c"), Errc::ok);
  EXPECT_THAT(heard(kBobPhone), ElementsAre("signaled c"));
  pass(120'000);
  EXPECT_EQ(get(kAnnPhone, kBob), Errc::ok) << "it is back for good";
}

TEST_F(DirectCall, what_is_kept_for_a_device_is_bounded) {
  options_.max_buffered_bytes = 100;
  restart();
  connect_all();
  const MessageId id = new_id();
  talk(id);
  disconnect(kBobPhone);
  EXPECT_EQ(signal(kAnnPhone, kBob, id, std::string(60, 'x')), Errc::ok);
  EXPECT_EQ(signal(kAnnPhone, kBob, id, std::string(60, 'x')), Errc::overloaded);
  EXPECT_GT(gauge("godwit_call_buffered_bytes"), 0);
  end(kAnnPhone, kBob, id);
  EXPECT_EQ(gauge("godwit_call_buffered_bytes"), 0);
}

TEST_F(DirectCall, answer_reaches_a_caller_who_was_away) {
  connect_all();
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  disconnect(kAnnPhone);
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::ok);
  connect(kAnnPhone);
  EXPECT_EQ(resume(kAnnPhone, kBob, id), Errc::ok);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ACTIVE"));
}

TEST_F(DirectCall, device_that_stays_away_ends_the_call) {
  connect_all();
  const MessageId id = new_id();
  talk(id);
  disconnect(kBobPhone);
  pass(30'000);
  connect(kBobPhone);
  resume(kBobPhone, kAnn, id);
  disconnect(kBobPhone);
  pass(59'999);
  EXPECT_THAT(heard(kAnnPhone), IsEmpty());
  pass(1);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ENDED LOST"));
  EXPECT_EQ(record(0).reason(), v1::LOST);
  EXPECT_EQ(resume(kBobPhone, kAnn, id), Errc::call_not_found);
  EXPECT_EQ(metrics_.counter("godwit_calls_lost_total", "x").Value(), 1);
}

TEST_F(DirectCall, device_that_was_gone_before_it_got_in_counts_as_away) {
  connect(kAnnPhone);
  connect(kBobPhone);
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  connected_.erase(kBobPhone);  // its answer was under way
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::ok);
  pass(60'000);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ACTIVE", "changed ENDED LOST"));
}

TEST_F(DirectCall, lasts_no_longer_than_allowed) {
  options_.max_duration_ms = 600'000;
  restart();
  connect_all();
  const MessageId id = new_id();
  talk(id);
  pass(599'999);
  EXPECT_THAT(heard(kAnnPhone), IsEmpty());
  pass(1);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("changed ENDED TOO_LONG"));
  EXPECT_THAT(heard(kBobPhone), ElementsAre("changed ENDED TOO_LONG"));
  EXPECT_EQ(record(0).duration_s(), 600U);
}

TEST_F(DirectCall, clock_that_is_set_changes_nothing) {
  connect_all();
  const MessageId id = new_id();
  ASSERT_TRUE(place(kAnnPhone, kBob, id));
  clock_.jump_wall(100'000'000);
  pass(1'000);
  clock_.jump_wall(-300'000'000);
  EXPECT_EQ(answer(kBobPhone, kAnn, id), Errc::ok);
  clock_.jump_wall(200'000'000);
  pass(5'000);
  end(kAnnPhone, kBob, id);
  EXPECT_EQ(record(0).duration_s(), 5U);
}

TEST_F(DirectCall, nothing_is_left_behind) {
  connect_all();
  for (int i = 0; i < 20; ++i) {
    const MessageId id = new_id();
    ASSERT_TRUE(place(i % 2 == 0 ? kAnnPhone : kBobPhone, i % 2 == 0 ? kBob : kAnn, id));
    if (i % 3 == 0) answer(i % 2 == 0 ? kBobPhone : kAnnPhone, i % 2 == 0 ? kAnn : kBob, id);
    end(i % 2 == 0 ? kAnnPhone : kBobPhone, i % 2 == 0 ? kBob : kAnn, id);
    pass(1'000);
  }
  pass(60'000);
  EXPECT_EQ(under_way_, 0);
  EXPECT_TRUE(services_[0]->devices().empty());
  EXPECT_TRUE(services_[1]->devices().empty());
  EXPECT_EQ(gauge("godwit_calls_ringing"), 0);
  EXPECT_EQ(gauge("godwit_calls_active"), 0);
  EXPECT_EQ(records_.size(), 20U);
}

TEST_F(DirectCall, device_is_in_no_more_calls_than_allowed) {
  connect_all();
  for (std::size_t i = 0; i < CallDevices::kMaxCalls; ++i) {
    EXPECT_TRUE(services_[0]->devices().has_room(kAnnPhone));
    accounts_[UserId(100 + i)].exists = true;
    EXPECT_TRUE(place(kAnnPhone, UserId(100 + i), new_id()));
  }
  EXPECT_FALSE(services_[0]->devices().has_room(kAnnPhone));
  EXPECT_TRUE(services_[0]->devices().has_room(kAnnDesk));
}

}  // namespace
}  // namespace godwit
