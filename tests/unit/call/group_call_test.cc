// Calls of groups.
#include <gmock/gmock.h>

#include "call_fixture.h"

namespace godwit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GroupCall : public CallFixture {
 protected:
  static constexpr UserId kGroup{};  // requests that name the group
};

TEST_F(GroupCall, begins_with_the_first_and_ends_with_the_last) {
  connect_all();
  const MessageId id = new_id();
  EXPECT_EQ(join(kAnnPhone, id), Errc::ok);
  EXPECT_EQ(state_.id(), id.str());
  EXPECT_EQ(state_.chat(), group_.str());
  EXPECT_EQ(state_.caller(), kAnn.value);
  EXPECT_EQ(state_.phase(), v1::ACTIVE);
  EXPECT_EQ(state_.participants_size(), 1);
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_TRUE(records_[0].begins);
  EXPECT_EQ(records_[0].id, id);
  EXPECT_EQ(record(0).reason(), v1::CALL_GOES_ON);

  EXPECT_EQ(join(kBobPhone, new_id()), Errc::ok);
  EXPECT_EQ(state_.id(), id.str()) << "there is one already";
  EXPECT_EQ(state_.participants_size(), 2);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("state ACTIVE 2"));
  EXPECT_EQ(join(kBobDesk, new_id()), Errc::ok);
  EXPECT_THAT(heard(kBobPhone), ElementsAre("state ACTIVE 3"));
  EXPECT_EQ(join(kBobDesk, new_id()), Errc::ok) << "again";
  take(kAnnPhone);

  clock_.advance(10'000);
  EXPECT_EQ(end(kAnnPhone, kGroup, id), Errc::ok);
  EXPECT_THAT(heard(kAnnPhone), IsEmpty());
  EXPECT_THAT(heard(kBobPhone), ElementsAre("state ACTIVE 2"));
  EXPECT_EQ(end(kAnnPhone, kGroup, id), Errc::call_not_found);
  EXPECT_EQ(end(kBobPhone, kGroup, id), Errc::ok);
  EXPECT_EQ(end(kBobDesk, kGroup, id), Errc::ok);
  ASSERT_EQ(records_.size(), 2U);
  EXPECT_FALSE(records_[1].begins);
  EXPECT_NE(records_[1].id, id);
  EXPECT_EQ(records_[1].from, kAnnPhone) << "who began it";
  EXPECT_EQ(record(1).id(), id.str());
  EXPECT_EQ(record(1).reason(), v1::HUNG_UP);
  EXPECT_EQ(record(1).duration_s(), 10U);
  EXPECT_EQ(record(1).participants(), 2U);
  EXPECT_EQ(get(kAnnPhone, kGroup), Errc::call_not_found);
  EXPECT_EQ(under_way_, 0);
  EXPECT_EQ(gauge("godwit_calls_active"), 0);
  EXPECT_TRUE(services_[0]->devices().empty());
}

TEST_F(GroupCall, only_members_have_to_do_with_it) {
  connect_all();
  members_.erase(kCat);
  const MessageId id = new_id();
  EXPECT_EQ(join(kCatPhone, id), Errc::chat_not_found);
  EXPECT_EQ(join(kAnnPhone, id), Errc::ok);
  EXPECT_EQ(get(kCatPhone, kGroup), Errc::chat_not_found);
  EXPECT_EQ(end(kCatPhone, kGroup, id), Errc::chat_not_found);
  EXPECT_EQ(signal(kCatPhone, kGroup, id, "x", kAnnPhone), Errc::chat_not_found);
  EXPECT_EQ(resume(kBobPhone, kGroup, id), Errc::call_not_found) << "a member, but not in the call";
  EXPECT_EQ(signal(kBobPhone, kGroup, id, "x", kAnnPhone), Errc::call_not_found);
  EXPECT_EQ(ring(kAnnPhone, kGroup, id), Errc::call_not_found);
  EXPECT_EQ(answer(kAnnPhone, kGroup, id), Errc::call_not_found);
}

TEST_F(GroupCall, who_may_not_post_may_not_begin_one) {
  connect_all();
  record_answer_ = Errc::not_allowed;
  EXPECT_EQ(join(kAnnPhone, new_id()), Errc::not_allowed);
  EXPECT_EQ(under_way_, 0);
  EXPECT_EQ(get(kAnnPhone, kGroup), Errc::call_not_found);
  record_answer_ = Unit{};
  const MessageId id = new_id();
  EXPECT_EQ(join(kBobPhone, id), Errc::ok);
  EXPECT_EQ(join(kAnnPhone, id), Errc::ok) << "but join one";
}

TEST_F(GroupCall, those_who_come_while_it_begins_wait_for_it) {
  connect_all();
  held_records_ = true;
  const MessageId id = new_id();
  auto ann = std::make_shared<Answer>();
  auto bob = std::make_shared<Answer>();
  start_join(kAnnPhone, id, ann);
  start_join(kBobPhone, new_id(), bob);
  settle();
  EXPECT_FALSE(*ann);
  EXPECT_FALSE(*bob);
  auto told = std::make_shared<Answer>();
  on(0, [&](CallService& s) { s.get(request(kCatPhone, kGroup, {}, told)); });
  EXPECT_FALSE(*told) << "whoever has the entry already, and asks because of it, waits, too";
  held_[0](Unit{});
  settle();
  ASSERT_TRUE(*ann && **ann && *bob && **bob && *told && **told);
  EXPECT_EQ(records_.size(), 1U);

  // And begin their own when it does not.
  end(kAnnPhone, kGroup, id);
  end(kBobPhone, kGroup, id);
  auto first = std::make_shared<Answer>();
  auto second = std::make_shared<Answer>();
  const MessageId theirs = new_id();
  start_join(kAnnPhone, new_id(), first);
  start_join(kBobPhone, theirs, second);
  held_[1](Errc::not_allowed);
  held_[2](Unit{});
  settle();
  EXPECT_EQ((**first).error().code, Errc::not_allowed);
  ASSERT_TRUE(*second && **second);
  EXPECT_EQ(get(kBobPhone, kGroup), Errc::ok);
  EXPECT_EQ(state_.id(), theirs.str());
}

TEST_F(GroupCall, participants_are_bounded_and_more_so_without_a_media_server) {
  options_.max_participants = 2;
  options_.max_sfu_participants = 3;
  restart();
  connect_all();
  const MessageId mesh = new_id();
  EXPECT_EQ(join(kAnnPhone, mesh), Errc::ok);
  EXPECT_EQ(join(kBobPhone, mesh), Errc::ok);
  EXPECT_EQ(join(kCatPhone, mesh), Errc::call_full);
  EXPECT_EQ(join(kBobPhone, mesh), Errc::ok) << "is in it already";
  end(kAnnPhone, kGroup, mesh);
  EXPECT_EQ(join(kCatPhone, mesh), Errc::ok);
  end(kBobPhone, kGroup, mesh);
  end(kCatPhone, kGroup, mesh);
  const MessageId sfu = new_id();
  EXPECT_EQ(join(kAnnPhone, sfu, "token"), Errc::ok);
  EXPECT_EQ(join(kBobPhone, sfu), Errc::ok);
  EXPECT_EQ(state_.token(), "token");
  EXPECT_EQ(join(kCatPhone, sfu), Errc::ok);
  EXPECT_EQ(join(kBobDesk, sfu), Errc::call_full);
}

TEST_F(GroupCall, signals_go_to_the_device_named) {
  connect_all();
  const MessageId id = new_id();
  join(kAnnPhone, id);
  join(kBobPhone, id);
  join(kCatPhone, id);
  for (const CallParty& party : {kAnnPhone, kBobPhone, kCatPhone}) take(party);
  EXPECT_EQ(signal(kAnnPhone, kGroup, id, "a", kBobPhone), Errc::ok);
  EXPECT_THAT(heard(kBobPhone), ElementsAre("signaled a"));
  EXPECT_THAT(heard(kCatPhone), IsEmpty());
  EXPECT_EQ(signal(kAnnPhone, kGroup, id, "a", kBobDesk), Errc::device_not_found);
  EXPECT_EQ(signal(kAnnPhone, kGroup, id, "a", kAnnPhone), Errc::device_not_found);
  disconnect(kBobPhone);
  EXPECT_EQ(signal(kCatPhone, kGroup, id, "b", kBobPhone), Errc::ok);
  connect(kBobPhone);
  EXPECT_EQ(resume(kBobPhone, kGroup, id), Errc::ok);
  EXPECT_EQ(state_.participants_size(), 3);
  EXPECT_TRUE(state_.participants(1).connected());
  EXPECT_THAT(heard(kBobPhone), ElementsAre("signaled b"));
}

TEST_F(GroupCall, device_that_stays_away_is_put_out) {
  connect_all();
  const MessageId id = new_id();
  join(kAnnPhone, id);
  join(kBobPhone, id);
  take(kAnnPhone);
  disconnect(kBobPhone);
  EXPECT_EQ(get(kAnnPhone, kGroup), Errc::ok);
  EXPECT_FALSE(state_.participants(1).connected());
  pass(60'000);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("state ACTIVE 1"));
  disconnect(kAnnPhone);
  pass(60'000);
  ASSERT_EQ(records_.size(), 2U);
  EXPECT_EQ(record(1).reason(), v1::LOST);
  EXPECT_TRUE(services_[0]->devices().empty());
}

TEST_F(GroupCall, who_leaves_the_group_leaves_the_call) {
  connect_all();
  const MessageId id = new_id();
  join(kAnnPhone, id);
  join(kBobPhone, id);
  join(kBobDesk, id);
  for (const CallParty& party : {kAnnPhone, kBobPhone, kBobDesk}) take(party);
  members_.erase(kBob);
  on(0, [&](CallService& s) { s.members_left(group_, {kBob, kCat}); });
  settle();
  EXPECT_THAT(heard(kBobPhone), ElementsAre("state ENDED 2"));
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("state ACTIVE 2", "state ACTIVE 1"));
  EXPECT_EQ(signal(kBobPhone, kGroup, id, "x", kAnnPhone), Errc::chat_not_found);
  on(0, [&](CallService& s) { s.members_left(group_, {kAnn}); });
  settle();
  EXPECT_EQ(under_way_, 0);
}

TEST_F(GroupCall, lasts_no_longer_than_allowed) {
  options_.max_duration_ms = 600'000;
  restart();
  connect_all();
  const MessageId id = new_id();
  join(kAnnPhone, id);
  join(kBobPhone, id);
  take(kAnnPhone);
  pass(600'000);
  EXPECT_THAT(heard(kAnnPhone), ElementsAre("state ENDED 0"));
  EXPECT_EQ(record(1).reason(), v1::TOO_LONG);
}

TEST_F(GroupCall, bounds_of_the_server_hold_here_too) {
  options_.max_calls = 1;
  restart();
  connect_all();
  ASSERT_TRUE(place(kAnnPhone, kBob, new_id()));
  EXPECT_EQ(join(kAnnPhone, new_id()), Errc::overloaded);
  EXPECT_EQ(join(kAnnPhone, make_message_id(0)), Errc::message_id_expired);
}

}  // namespace
}  // namespace godwit
