#include "inbox/inbox.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "chat_messages.h"

namespace godwit {
namespace {

using test::message_record;

const UserId kAnn(11);
const UserId kBob(22);

class InboxTest : public ::testing::Test {
 protected:
  RecordPtr created(std::uint64_t lsn) {
    auto record = std::make_shared<Record>();
    record->lsn = Lsn(lsn);
    record->body.mutable_user_created()->set_user(kBob.value);
    record->body.mutable_user_created()->mutable_device()->set_device_id(1);
    return record;
  }
  RecordPtr device_added(std::uint64_t lsn, std::uint32_t device) {
    auto record = std::make_shared<Record>();
    record->lsn = Lsn(lsn);
    record->body.mutable_device_added()->mutable_device()->set_device_id(device);
    return record;
  }
  void receive(int count) {
    for (int i = 0; i < count; ++i) inbox_.apply(message_record(++lsn_, kAnn, kBob, ++chat_seq_, "m"));
  }

  const PartitionMap map_{256, 1};
  Inbox::Options options_{1'000};
  Inbox inbox_{kBob, options_};
  std::uint64_t lsn_ = 1;
  std::uint64_t chat_seq_ = 0;
};

TEST_F(InboxTest, Entries_get_positions_without_holes) {
  inbox_.apply(created(1));
  receive(3);
  EXPECT_EQ(inbox_.end(), 3U);
  EXPECT_EQ(inbox_.tail_first(), 1U);
  EXPECT_NE(inbox_.in_tail(1), nullptr);
  EXPECT_NE(inbox_.in_tail(3), nullptr);
  EXPECT_EQ(inbox_.in_tail(4), nullptr);
  EXPECT_EQ(inbox_.in_tail(0), nullptr);
}

TEST_F(InboxTest, A_device_that_is_added_behind_the_deletion_is_none) {
  inbox_.apply(created(1));
  auto deleted = std::make_shared<Record>();
  deleted->lsn = Lsn(2);
  deleted->body.mutable_user_deleted();
  inbox_.apply(deleted);
  inbox_.apply(device_added(3, 2));
  EXPECT_FALSE(inbox_.cursor(DeviceId(2)));
  EXPECT_EQ(inbox_.applied(), 3U);
}

TEST_F(InboxTest, Acknowledged_by_every_device_is_gone_from_memory_and_never_written) {
  inbox_.apply(created(1));
  receive(5);
  ASSERT_TRUE(inbox_.acknowledge(DeviceId(1), 4, 5));
  EXPECT_EQ(inbox_.tail_first(), 5U);
  Collector out;
  inbox_.collect(map_, out);
  EXPECT_EQ(out.later.size(), 1U);
  std::size_t budget = 100;
  EXPECT_TRUE(inbox_.checkpointed(budget));
  EXPECT_EQ(inbox_.stored_end(), 5U);
  EXPECT_TRUE(inbox_.idle());
}

TEST_F(InboxTest, An_entry_stays_until_the_slowest_device_has_it) {
  inbox_.apply(created(1));
  inbox_.apply(device_added(2, 2));
  lsn_ = 2;
  receive(3);
  ASSERT_TRUE(inbox_.acknowledge(DeviceId(1), 3, 3));
  EXPECT_EQ(inbox_.tail_first(), 1U);
  ASSERT_TRUE(inbox_.acknowledge(DeviceId(2), 2, 3));
  EXPECT_EQ(inbox_.tail_first(), 3U);
}

TEST_F(InboxTest, A_new_device_begins_at_the_end) {
  inbox_.apply(created(1));
  receive(3);
  inbox_.apply(device_added(9, 2));
  EXPECT_EQ(inbox_.cursor(DeviceId(2)), 3U);
}

TEST_F(InboxTest, Cursor_ahead_and_behind_are_refused_and_change_nothing) {
  inbox_.apply(created(1));
  receive(3);
  EXPECT_EQ(inbox_.acknowledge(DeviceId(1), 3, 2).error().code, Errc::cursor_ahead);
  ASSERT_TRUE(inbox_.acknowledge(DeviceId(1), 2, 3));
  EXPECT_EQ(inbox_.acknowledge(DeviceId(1), 1, 3).error().code, Errc::cursor_behind);
  EXPECT_TRUE(inbox_.acknowledge(DeviceId(1), 2, 3));
  EXPECT_EQ(inbox_.acknowledge(DeviceId(7), 2, 3).error().code, Errc::device_revoked);
  EXPECT_EQ(inbox_.cursor(DeviceId(1)), 2U);
}

TEST_F(InboxTest, Beyond_the_bound_the_oldest_are_removed_and_the_floor_tells) {
  inbox_.apply(created(1));
  receive(1'005);
  EXPECT_EQ(inbox_.floor(), 5U);
  EXPECT_EQ(inbox_.in_tail(5), nullptr);
  EXPECT_NE(inbox_.in_tail(6), nullptr);
}

TEST_F(InboxTest, A_row_survives_the_store) {
  inbox_.apply(created(1));
  receive(5);
  ASSERT_TRUE(inbox_.acknowledge(DeviceId(1), 2, 5));
  store::InboxRow row;
  row.set_applied_lsn(inbox_.applied());
  row.set_end(5);
  auto* cursor = row.add_cursors();
  cursor->set_device_id(1);
  cursor->set_cursor(2);
  Inbox again(kBob, options_);
  again.load(row.SerializeAsString());
  EXPECT_EQ(again.end(), 5U);
  EXPECT_EQ(again.stored_end(), 5U);
  EXPECT_EQ(again.cursor(DeviceId(1)), 2U);
  EXPECT_EQ(again.tail_first(), 6U);
}

TEST_F(InboxTest, Marks_of_a_chat_are_one_and_seen_by_cursors_up_to_the_end) {
  inbox_.apply(created(1));
  receive(2);
  for (std::uint64_t delivered = 1; delivered <= 2; ++delivered) {
    auto record = std::make_shared<Record>();
    record->lsn = Lsn(++lsn_);
    auto& w = *record->body.mutable_watermark();
    w.set_chat(test::chat_of(kAnn, kBob).str());
    w.set_low_member(kAnn.value);
    w.set_high_member(kBob.value);
    w.mutable_low()->set_delivered(delivered);
    inbox_.apply(record);
  }
  ASSERT_EQ(inbox_.marks().size(), 1U);
  EXPECT_EQ(inbox_.marks()[0].peer, kAnn);
  EXPECT_EQ(inbox_.marks()[0].other.delivered, 2U);
  EXPECT_TRUE(inbox_.has_marks_since(2));
  EXPECT_FALSE(inbox_.has_marks_since(3));
}

TEST_F(InboxTest, After_deletion_nothing_is_kept) {
  inbox_.apply(created(1));
  receive(2);
  auto record = std::make_shared<Record>();
  record->lsn = Lsn(50);
  record->body.mutable_user_deleted()->set_user(kBob.value);
  inbox_.apply(record);
  EXPECT_TRUE(inbox_.closed());
  EXPECT_FALSE(inbox_.cursor(DeviceId(1)));
  receive(1);
  EXPECT_EQ(inbox_.tail_first(), inbox_.end() + 1);
}

}  // namespace
}  // namespace godwit
