#include <gtest/gtest.h>

#include "tools/bench/group_log.h"

namespace godwit::bench {
namespace {

constexpr std::uint32_t kRecipients = 2;

TEST(BenchGroupLog, message_that_reached_everybody_is_not_lost) {
  GroupLog log;
  EXPECT_TRUE(log.on_sent(1, 0, 0, 10));
  EXPECT_TRUE(log.on_delivered(1, 0, 0, 10, 20));
  EXPECT_EQ(log.lost(kRecipients), 1U);
  EXPECT_TRUE(log.on_delivered(1, 0, 0, 10, 30));
  EXPECT_EQ(log.lost(kRecipients), 0U);
  EXPECT_EQ(log.deliveries(1), 2U);
}

TEST(BenchGroupLog, message_that_was_not_answered_is_not_lost) {
  GroupLog log;
  log.on_delivered(1, 0, 0, 10, 20);
  EXPECT_EQ(log.lost(kRecipients), 0U);
}

TEST(BenchGroupLog, two_messages_at_one_position_contradict) {
  GroupLog log;
  EXPECT_TRUE(log.on_sent(1, 0, 0, 10));
  EXPECT_FALSE(log.on_sent(1, 0, 1, 10));
  EXPECT_FALSE(log.on_delivered(1, 3, 0, 10, 20));
  EXPECT_EQ(log.deliveries(1), 0U);
}

TEST(BenchGroupLog, position_that_is_none_or_absurd_is_refused) {
  GroupLog log;
  EXPECT_FALSE(log.on_sent(0, 0, 0, 10));
  EXPECT_FALSE(log.on_delivered(std::uint64_t{1} << 60, 0, 0, 10, 20));
  EXPECT_TRUE(log.entries().empty());
}

TEST(BenchGroupLog, merged_logs_know_what_both_know) {
  GroupLog one;
  one.on_sent(1, 0, 0, 10);
  one.on_delivered(1, 0, 0, 10, 50);
  GroupLog other;
  other.on_delivered(1, 0, 0, 10, 40);
  other.on_sent(2, 1, 0, 60);
  EXPECT_EQ(one.merge(other), 0U);
  EXPECT_EQ(one.deliveries(1), 2U);
  EXPECT_EQ(one.entries()[1].last_ns, 50);
  EXPECT_EQ(one.lost(kRecipients), 2U) << "the second reached nobody";
}

TEST(BenchGroupLog, merged_logs_that_disagree_say_so) {
  GroupLog one;
  one.on_sent(1, 0, 0, 10);
  GroupLog other;
  other.on_delivered(1, 7, 0, 10, 40);
  EXPECT_EQ(one.merge(other), 1U);
}

TEST(BenchGroupLog, earlier_message_of_a_sender_behind_a_later_one_is_misplaced) {
  GroupLog log;
  log.on_sent(1, 0, 1, 10);
  log.on_sent(2, 1, 0, 10);
  log.on_sent(3, 0, 0, 10);
  EXPECT_EQ(log.misplaced({false, false}), 1U);
  EXPECT_EQ(log.misplaced({true, false}), 0U) << "who repeats may be overtaken";
}

TEST(BenchGroupLog, time_to_the_last_delivery_counts_complete_messages_of_the_window) {
  GroupLog log;
  log.on_sent(1, 0, 0, 100);
  log.on_delivered(1, 0, 0, 100, 150);
  log.on_delivered(1, 0, 0, 100, 130);
  log.on_sent(2, 0, 1, 200);
  log.on_delivered(2, 0, 1, 200, 210);  // reached one of two
  log.on_sent(3, 0, 2, 900);            // too late
  log.on_delivered(3, 0, 2, 900, 901);
  log.on_delivered(3, 0, 2, 900, 902);
  const Histogram times = log.last_delivery(100, 500, kRecipients);
  EXPECT_EQ(times.count(), 1U);
  EXPECT_EQ(times.max(), 50U);
}

TEST(BenchGroupLog, receipts_are_behind_until_all_are_told) {
  GroupLog log;
  log.on_sent(1, 0, 0, 10);
  log.on_receipt(1, 1);
  EXPECT_EQ(log.receipts_behind(kRecipients), 1U);
  log.on_receipt(1, 2);
  log.on_receipt(1, 1);  // overtaken
  EXPECT_EQ(log.receipts_behind(kRecipients), 0U);
  log.on_receipt(99, 2);  // of nothing that is known
}

TEST(BenchMemberCheck, position_that_does_not_grow_is_told) {
  MemberCheck check;
  EXPECT_TRUE(check.on_arrival(3));
  EXPECT_FALSE(check.on_arrival(3));
  EXPECT_FALSE(check.on_arrival(2));
  EXPECT_TRUE(check.on_arrival(7)) << "positions of one's own messages are left out";
}

}  // namespace
}  // namespace godwit::bench
