#include "chat/group.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "chat/group_book.h"
#include "godwit.pb.h"
#include "protocol/codec.h"

namespace godwit {
namespace {

const UserId kAnn(11);
const UserId kBob(22);
const UserId kCid(33);
const UserId kDan(44);
constexpr std::int64_t kNow = 1'700'000'000'000;

class GroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    init_crypto();
    GroupAction create;
    create.kind = GroupAction::Kind::create;
    create.name = "opaque";
    create.settings = std::make_shared<v1::GroupSettings>();
    create.add = {kBob, kCid};
    ASSERT_EQ(change(create, kAnn), Errc::ok);
  }

  // Decides, and when possible applies, as the chat service does.
  Errc change(const GroupAction& action, UserId actor) {
    const Result<GroupPlan> plan = group_.plan(action, actor, kNow, limits_);
    if (!plan) return plan.error().code;
    ++seq_;
    for (auto& member : *plan->event->mutable_members()) {
      if (member.joined_seq() == 0) member.set_joined_seq(seq_);
    }
    store::MessageAppended message;
    message.set_chat_seq(seq_);
    message.set_group_sender(actor.value);
    message.set_changes_members(plan->changes_members);
    message.set_used_link(plan->used_link);
    message.set_encrypted(action.encrypted);
    EnvelopeExtras extras;
    const std::string event = plan->event->SerializeAsString();
    extras.event = event;
    message.set_envelope(encode_envelope(make_message_id(kNow), actor, DeviceId(1), ChatSeq(seq_), 0, "", extras));
    group_.apply_event(message);
    return Errc::ok;
  }

  std::uint64_t post(UserId from, std::optional<std::uint64_t> ends_epoch = std::nullopt) {
    store::MessageAppended message;
    message.set_chat_seq(++seq_);
    message.set_group_sender(from.value);
    if (ends_epoch) message.set_ends_epoch(*ends_epoch);
    message.set_envelope(encode_envelope(make_message_id(kNow), from, DeviceId(1), ChatSeq(seq_), 0, "ciphertext"));
    group_.apply_event(message);
    return seq_;
  }

  static GroupAction adding(UserId user) {
    GroupAction action;
    action.add = {user};
    return action;
  }
  static GroupAction removing(UserId user) {
    GroupAction action;
    action.remove = {user};
    return action;
  }
  static GroupAction role(UserId user, Role role) {
    GroupAction action;
    action.roles = {{user, role}};
    return action;
  }

  std::vector<UserId> recipients_at(std::uint64_t seq) const { return group_.recipients_at(map_, seq)->by_worker[0]; }
  Role role_of(UserId user) const { return group_.present(user) != nullptr ? group_.present(user)->role : Role::none; }

  const PartitionMap map_{256, 1};
  GroupLimits limits_;
  Group group_;
  std::uint64_t seq_ = 0;
};

TEST_F(GroupTest, creator_owns_it_and_the_others_are_members) {
  EXPECT_EQ(role_of(kAnn), Role::owner);
  EXPECT_EQ(role_of(kBob), Role::member);
  EXPECT_EQ(role_of(kDan), Role::none);
  EXPECT_EQ(group_.count(), 3U);
  EXPECT_EQ(group_.version(), 1U);
  EXPECT_EQ(group_.name(), "opaque");
}

TEST_F(GroupTest, recipients_at_any_position_are_those_who_were_in) {
  const std::uint64_t before = post(kAnn);
  ASSERT_EQ(change(removing(kBob), kAnn), Errc::ok);
  const std::uint64_t left = seq_;
  const std::uint64_t without = post(kAnn);
  ASSERT_EQ(change(adding(kBob), kAnn), Errc::ok);
  const std::uint64_t again = seq_;
  EXPECT_EQ(recipients_at(before), (std::vector{kAnn, kBob, kCid}));
  EXPECT_EQ(recipients_at(left), (std::vector{kAnn, kBob, kCid})) << "who leaves is told so";
  EXPECT_EQ(recipients_at(without), (std::vector{kAnn, kCid}));
  EXPECT_EQ(recipients_at(again), (std::vector{kAnn, kBob, kCid}));
  EXPECT_EQ(group_.present(kBob)->joined(), again);
}

TEST_F(GroupTest, list_of_recipients_is_shared_until_members_change) {
  const auto first = group_.recipients(map_, {});
  post(kAnn);
  EXPECT_EQ(group_.recipients(map_, {}), first);
  ASSERT_EQ(change(adding(kDan), kAnn), Errc::ok);
  EXPECT_EQ(group_.recipients(map_, {})->size(), 4U);
}

TEST_F(GroupTest, applying_a_change_again_changes_nothing) {
  ASSERT_EQ(change(removing(kBob), kAnn), Errc::ok);
  ASSERT_EQ(change(adding(kBob), kAnn), Errc::ok);
  store::GroupRow row;
  group_.store_row(row);
  Collector out;
  group_.collect_members(Partition(1), ChatId(), out);
  // As after a crash: the row is newer than the record that is replayed.
  store::MessageAppended old;
  old.set_chat_seq(2);
  old.set_changes_members(true);
  v1::ChatEvent event;
  event.add_removed(kBob.value);
  event.set_version(2);
  EnvelopeExtras extras;
  const std::string bytes = event.SerializeAsString();
  extras.event = bytes;
  old.set_envelope(encode_envelope(make_message_id(kNow), kAnn, DeviceId(1), ChatSeq(2), 0, "", extras));
  group_.apply_event(old);
  EXPECT_EQ(role_of(kBob), Role::member);
  EXPECT_EQ(group_.version(), 3U);
  EXPECT_EQ(group_.count(), 3U);
}

TEST_F(GroupTest, owner_who_leaves_is_followed_by_the_admin_then_by_seniority) {
  ASSERT_EQ(change(role(kCid, Role::admin), kAnn), Errc::ok);
  ASSERT_EQ(change(removing(kAnn), kAnn), Errc::ok);
  EXPECT_EQ(role_of(kCid), Role::owner);
  ASSERT_EQ(change(adding(kDan), kCid), Errc::ok);
  ASSERT_EQ(change(removing(kCid), kCid), Errc::ok);
  EXPECT_EQ(role_of(kBob), Role::owner) << "Bob was in before Dan";
}

TEST_F(GroupTest, owner_who_lets_somebody_in_and_leaves_is_followed_by_them) {
  ASSERT_EQ(change(removing(kBob), kAnn), Errc::ok);
  ASSERT_EQ(change(removing(kCid), kAnn), Errc::ok);
  GroupAction swap = adding(kDan);
  swap.remove = {kAnn};
  ASSERT_EQ(change(swap, kAnn), Errc::ok);
  EXPECT_EQ(role_of(kDan), Role::owner);
}

TEST_F(GroupTest, who_may_do_what_is_as_the_roles_say) {
  EXPECT_EQ(change(removing(kCid), kBob), Errc::not_allowed);
  EXPECT_EQ(change(adding(kDan), kBob), Errc::not_allowed);
  EXPECT_EQ(change(role(kBob, Role::admin), kBob), Errc::not_allowed);
  EXPECT_EQ(change(removing(kAnn), kBob), Errc::not_allowed);
  EXPECT_EQ(change(adding(kBob), kAnn), Errc::already_member);
  EXPECT_EQ(change(removing(kDan), kAnn), Errc::member_not_found);
  EXPECT_EQ(change(adding(kBob), kDan), Errc::chat_not_found);
  ASSERT_EQ(change(role(kBob, Role::admin), kAnn), Errc::ok);
  EXPECT_EQ(change(removing(kAnn), kBob), Errc::not_allowed) << "the owner stays";
  EXPECT_EQ(change(removing(kCid), kBob), Errc::ok);
}

TEST_F(GroupTest, member_named_twice_is_refused) {
  GroupAction twice = role(kBob, Role::admin);
  twice.roles.emplace_back(kBob, Role::owner);
  EXPECT_EQ(change(twice, kAnn), Errc::invalid_argument);
  GroupAction both = adding(kDan);
  both.ban = {kDan};
  EXPECT_EQ(change(both, kAnn), Errc::invalid_argument);
  EXPECT_EQ(role_of(kAnn), Role::owner);
}

TEST_F(GroupTest, banned_stay_out_until_they_are_unbanned) {
  GroupAction ban;
  ban.ban = {kBob};
  ASSERT_EQ(change(ban, kAnn), Errc::ok);
  EXPECT_EQ(role_of(kBob), Role::none);
  EXPECT_EQ(change(adding(kBob), kAnn), Errc::not_allowed);
  GroupAction unban;
  unban.unban = {kBob};
  ASSERT_EQ(change(unban, kAnn), Errc::ok);
  EXPECT_EQ(change(adding(kBob), kAnn), Errc::ok);
}

TEST_F(GroupTest, full_group_takes_nobody_and_bans_are_bounded) {
  limits_.max_members = 3;
  EXPECT_EQ(change(adding(kDan), kAnn), Errc::group_full);
  GroupAction ban;
  for (std::uint64_t user = 100; user < 109; ++user) ban.ban.push_back(UserId(user));
  ASSERT_EQ(change(ban, kAnn), Errc::ok);
  ban.ban = {UserId(200)};
  EXPECT_EQ(change(ban, kAnn), Errc::group_full) << "12 rows are four times 3 members";
}

TEST_F(GroupTest, links_expire_run_out_and_may_ask_for_approval) {
  store::GroupDoorChanged door;
  door.mutable_link()->set_id("linkid01");
  door.mutable_link()->set_hash("hash");
  door.mutable_link()->set_expires_ms(kNow + 1);
  door.mutable_link()->set_limited(true);
  door.mutable_link()->set_uses_left(1);
  group_.apply_door(door);
  GroupAction join;
  join.kind = GroupAction::Kind::join;
  join.link_hash = "forged";
  EXPECT_EQ(change(join, kDan), Errc::invite_link_invalid);
  join.link_hash = "hash";
  EXPECT_EQ(group_.plan(join, kDan, kNow + 1, limits_).error().code, Errc::invite_link_invalid);
  EXPECT_EQ(change(join, kBob), Errc::already_member);
  ASSERT_EQ(change(join, kDan), Errc::ok);
  EXPECT_EQ(role_of(kDan), Role::member);
  EXPECT_EQ(change(join, UserId(55)), Errc::invite_link_invalid) << "used up";
}

TEST_F(GroupTest, epoch_moves_only_with_what_ends_it) {
  EXPECT_EQ(group_.epoch(), 0U);
  post(kAnn);
  EXPECT_EQ(group_.epoch(), 0U);
  post(kAnn, 0);
  EXPECT_EQ(group_.epoch(), 1U);
}

// As it is after CreateGroup.encrypted.
class EncryptedGroupTest : public GroupTest {
 protected:
  void SetUp() override {
    GroupTest::SetUp();
    store::MessageAppended mark;
    mark.set_chat_seq(++seq_);
    mark.set_group_sender(kAnn.value);
    mark.set_encrypted(true);
    mark.set_envelope(encode_envelope(make_message_id(kNow), kAnn, DeviceId(1), ChatSeq(seq_), 0, "x"));
    group_.apply_event(mark);
  }

  static GroupAction with_commit(GroupAction action) {
    action.commit = true;
    return action;
  }
};

TEST_F(EncryptedGroupTest, others_come_and_go_with_a_commit) {
  GroupAction ban;
  ban.ban = {kCid};
  for (const GroupAction& action : {adding(kDan), removing(kBob), ban}) {
    EXPECT_EQ(change(action, kAnn), Errc::commit_needed);
    EXPECT_EQ(change(with_commit(action), kAnn), Errc::ok);
  }
  EXPECT_EQ(group_.count(), 2U);
}

TEST_F(EncryptedGroupTest, who_leaves_neither_needs_nor_makes_one) {
  GroupAction both = removing(kBob);
  both.remove.push_back(kAnn);
  EXPECT_EQ(change(both, kAnn), Errc::commit_needed);
  EXPECT_EQ(change(with_commit(both), kAnn), Errc::invalid_argument);
  EXPECT_EQ(change(with_commit(removing(kBob)), kBob), Errc::invalid_argument);
  EXPECT_EQ(change(removing(kBob), kBob), Errc::ok);
}

TEST_F(EncryptedGroupTest, other_changes_need_none) {
  GroupAction action;
  action.name = "new";
  action.ban = {kDan};
  action.roles = {{kBob, Role::admin}};
  EXPECT_EQ(change(action, kAnn), Errc::ok);
}

TEST_F(EncryptedGroupTest, mark_is_stored) {
  store::GroupRow row;
  group_.store_row(row);
  Group loaded;
  loaded.load(row, {});
  EXPECT_TRUE(loaded.encrypted());
}

TEST_F(EncryptedGroupTest, plan_tells_who_is_in_afterwards) {
  GroupAction action = with_commit(adding(kDan));
  action.remove = {kBob};
  const Result<GroupPlan> plan = group_.plan(action, kAnn, kNow, limits_);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->adds(kDan) && plan->removes(kBob));
  EXPECT_FALSE(plan->adds(kBob) || plan->removes(kAnn));
}

TEST_F(GroupTest, counts_leave_out_the_sender_and_newcomers) {
  const std::uint64_t seq = post(kAnn);
  ASSERT_EQ(change(adding(kDan), kAnn), Errc::ok);
  EXPECT_EQ(group_.counts(seq, kAnn), (ReceiptCount{seq, 0, 0, 2}));
  group_.advance(*group_.find(kBob), seq, 0, true, false, kNow);
  group_.advance(*group_.find(kCid), 0, seq, false, false, kNow);
  EXPECT_EQ(group_.counts(seq, kAnn), (ReceiptCount{seq, 2, 0, 2})) << "Cid does not tell what he reads";
  group_.advance(*group_.find(kBob), 0, seq, true, false, kNow);
  EXPECT_EQ(group_.counts(seq, kAnn), (ReceiptCount{seq, 2, 1, 2}));
}

TEST_F(GroupTest, receipts_are_told_to_each_sender_once_and_agree_with_the_counts) {
  const std::uint64_t by_ann = post(kAnn);
  const std::uint64_t by_bob = post(kBob);
  (void)group_.take_receipts();
  group_.advance(*group_.find(kCid), by_bob, by_ann, true, false, kNow);
  const auto updates = group_.take_receipts();
  ASSERT_EQ(updates.size(), 2U);
  for (const ReceiptUpdate& update : updates) {
    ASSERT_EQ(update.counts.size(), 1U);
    EXPECT_EQ(update.counts[0], group_.counts(update.sender == kAnn ? by_ann : by_bob, update.sender));
  }
  EXPECT_TRUE(group_.take_receipts().empty()) << "nothing has changed since";
}

TEST_F(GroupTest, row_and_members_load_as_they_were_stored) {
  post(kAnn, 0);
  group_.advance(*group_.find(kBob), 2, 1, true, false, kNow);
  ASSERT_EQ(change(removing(kCid), kAnn), Errc::ok);
  store::GroupRow row;
  group_.store_row(row);
  Collector out;
  EXPECT_EQ(group_.collect_members(Partition(1), ChatId(), out), 3U);
  EXPECT_EQ(group_.collect_members(Partition(1), ChatId(), out), 0U) << "nothing is dirty";
  group_.checkpoint_failed();
  EXPECT_EQ(group_.collect_members(Partition(1), ChatId(), out), 3U) << "a failed checkpoint is made good for";
}

}  // namespace
}  // namespace godwit
