#include "account_fixture.h"

namespace godwit {
namespace {

constexpr std::int64_t kHour = 3'600'000;

class AccountTest : public AccountFixture {
 protected:
  AccountTest() { create(); }
};

TEST_F(AccountTest, A_device_gets_another_name_and_keeps_the_rest) {
  const RecordPtr renamed = record();
  renamed->body.mutable_device_renamed()->set_device_id(1);
  renamed->body.mutable_device_renamed()->set_name("tablet");
  account_->apply(renamed);
  EXPECT_EQ(account_->device(DeviceId(1))->name, "tablet");
  checkpoint();
  EXPECT_EQ(reloaded().device(DeviceId(1))->name, "tablet");
}

TEST_F(AccountTest, What_stands_behind_the_deletion_changes_nothing) {
  const RecordPtr deleted = record();
  deleted->body.mutable_user_deleted()->set_handle("ann");
  account_->apply(deleted);
  const RecordPtr added = record();
  added->body.mutable_device_added()->mutable_device()->set_device_id(2);
  account_->apply(added);
  const RecordPtr blocked = record();
  blocked->body.mutable_block_changed()->set_blocked(7);
  account_->apply(blocked);
  EXPECT_TRUE(account_->devices().empty());
  EXPECT_EQ(account_->blocked_count(), 0u);
  EXPECT_EQ(account_->applied(), blocked->lsn.value);
}

TEST_F(AccountTest, Last_seen_is_exact_in_memory_and_worth_a_row_once_an_interval) {
  const std::int64_t now = clock_.wall_ms();
  EXPECT_TRUE(account_->seen(DeviceId(1), now, kHour));
  checkpoint();
  EXPECT_FALSE(account_->seen(DeviceId(1), now + kHour - 1, kHour));
  EXPECT_EQ(account_->device(DeviceId(1))->last_seen_ms, now + kHour - 1);
  EXPECT_EQ(reloaded().device(DeviceId(1))->last_seen_ms, now);
  EXPECT_TRUE(account_->seen(DeviceId(1), now + kHour, kHour));
  EXPECT_FALSE(account_->seen(DeviceId(1), now, kHour)) << "a clock that went back changes nothing";
  EXPECT_EQ(account_->device(DeviceId(1))->last_seen_ms, now + kHour);
  EXPECT_FALSE(account_->seen(DeviceId(2), now, kHour)) << "there is no such device";
}

TEST_F(AccountTest, Spent_lookups_outlive_a_restart) {
  EXPECT_EQ(account_->lookups.take(clock_.wall_ms(), 100, 100), 0u);
  checkpoint();
  Account again = reloaded();
  EXPECT_GT(again.lookups.take(clock_.wall_ms(), 100, 1), 0u);
}

TEST(AllowanceTest, A_day_fills_over_a_day) {
  Allowance allowance;
  std::int64_t now = 1'700'000'000'000;
  EXPECT_EQ(allowance.take(now, 240, 240), 0u);
  EXPECT_EQ(allowance.take(now, 240, 10), static_cast<std::uint32_t>(kHour));
  now += kHour;
  EXPECT_EQ(allowance.take(now, 240, 10), 0u);
  EXPECT_GT(allowance.take(now, 240, 1), 0u);
  now += 1'000 * kHour;
  EXPECT_EQ(allowance.take(now, 240, 240), 0u) << "no more than a day is saved up";
  EXPECT_GT(allowance.take(now, 240, 1), 0u);
}

TEST(AllowanceTest, A_clock_that_goes_back_gives_nothing) {
  Allowance allowance;
  EXPECT_EQ(allowance.take(1'000 * kHour, 24, 24), 0u);
  EXPECT_GT(allowance.take(500 * kHour, 24, 1), 0u);
  EXPECT_EQ(allowance.take(501 * kHour + 1, 24, 1), 0u);
}

TEST(AllowanceTest, Zero_is_no_limit) {
  Allowance allowance;
  EXPECT_EQ(allowance.take(0, 0, 1'000'000), 0u);
}

TEST_F(AccountTest, The_hash_of_a_handle_leads_to_its_account_until_that_is_deleted) {
  const std::string hash = contact_hash(store_->discovery_key(), "ann");
  ASSERT_EQ(hash.size(), kContactHashBytes);
  EXPECT_NE(hash, contact_hash(store_->discovery_key(), "anna"));
  ContactHash row(hash, {});
  const RecordPtr created = record();
  created->body.mutable_user_created()->set_user(kAnn.value);
  row.apply(created);
  Collector out;
  row.collect(map_, out);
  ASSERT_TRUE(store_->commit(out.finish(), Lsn(lsn_)));
  ContactHash again(hash, {});
  again.load(store_->get(Column::contact_hash, ContactHash::key(map_, hash)));
  EXPECT_EQ(again.user(), kAnn);
  EXPECT_EQ(again.applied(), lsn_);
  const RecordPtr deleted = record();
  deleted->body.mutable_user_deleted()->set_user(kAnn.value);
  again.apply(deleted);
  EXPECT_EQ(again.user(), UserId());
  again.collect(map_, out);
  ASSERT_TRUE(store_->commit(out.finish(), Lsn(lsn_)));
  EXPECT_EQ(store_->get(Column::contact_hash, ContactHash::key(map_, hash)), std::nullopt);
}

// A client must come to the same bytes; docs/protocol.md tells how.
TEST(ContactHashTest, Known_answer) {
  EXPECT_EQ(hex(contact_hash("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c7");
}

}  // namespace
}  // namespace godwit
