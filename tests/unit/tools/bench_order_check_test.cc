#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tools/bench/ledger.h"
#include "tools/bench/order_check.h"
#include "tools/bench/request_table.h"

namespace godwit::bench {
namespace {

TEST(BenchOrderCheck, all_in_order_nothing_is_missing) {
  OrderCheck check;
  for (std::uint32_t counter = 0; counter < 5; ++counter)
    EXPECT_EQ(check.on_arrival(counter), Arrival::in_order);
  EXPECT_EQ(check.missing(5), 0U);
}

TEST(BenchOrderCheck, skipped_message_is_missing_until_it_comes_late) {
  OrderCheck check;
  check.on_arrival(0);
  EXPECT_EQ(check.on_arrival(2), Arrival::in_order);
  EXPECT_EQ(check.missing(3), 1U);
  EXPECT_EQ(check.on_arrival(1), Arrival::late);
  EXPECT_EQ(check.missing(3), 0U);
}

TEST(BenchOrderCheck, second_arrival_is_a_duplicate) {
  OrderCheck check;
  check.on_arrival(0);
  check.on_arrival(1);
  EXPECT_EQ(check.on_arrival(1), Arrival::duplicate);
  EXPECT_EQ(check.on_arrival(0), Arrival::duplicate);
}

TEST(BenchOrderCheck, late_arrival_twice_is_a_duplicate) {
  OrderCheck check;
  check.on_arrival(1);
  EXPECT_EQ(check.on_arrival(0), Arrival::late);
  EXPECT_EQ(check.on_arrival(0), Arrival::duplicate);
}

TEST(BenchOrderCheck, tail_that_never_came_is_missing) {
  OrderCheck check;
  check.on_arrival(0);
  EXPECT_EQ(check.missing(4), 3U);
}

TEST(BenchOrderCheck, forgiven_message_is_not_missing) {
  OrderCheck check;
  EXPECT_TRUE(check.forgive(1));
  EXPECT_EQ(check.missing(3), 2U);
  check.on_arrival(0);
  check.on_arrival(2);
  EXPECT_EQ(check.missing(3), 0U);
}

TEST(BenchOrderCheck, forgiven_message_that_comes_once_is_no_duplicate) {
  OrderCheck check;
  check.forgive(0);
  EXPECT_EQ(check.on_arrival(0), Arrival::forgiven);
  EXPECT_EQ(check.on_arrival(0), Arrival::duplicate);
}

TEST(BenchOrderCheck, hole_forgiven_afterwards_is_not_missing) {
  OrderCheck check;
  check.on_arrival(1);
  EXPECT_TRUE(check.forgive(0));
  EXPECT_EQ(check.missing(2), 0U);
  EXPECT_EQ(check.on_arrival(0), Arrival::forgiven);
}

TEST(BenchOrderCheck, arrived_message_cannot_be_forgiven) {
  OrderCheck check;
  check.on_arrival(0);
  EXPECT_FALSE(check.forgive(0));
}

TEST(BenchOrderCheck, chat_seq_that_does_not_grow_is_told) {
  OrderCheck check;
  EXPECT_TRUE(check.on_chat_seq(3));
  EXPECT_FALSE(check.on_chat_seq(3));
  EXPECT_FALSE(check.on_chat_seq(2));
  EXPECT_TRUE(check.on_chat_seq(5));
}

MessageId id_of(std::uint8_t n) {
  MessageId id;
  id.bytes[15] = n;
  return id;
}

TEST(BenchLedger, answered_and_not_delivered_is_lost) {
  Ledger ledger;
  ledger.on_send(0, id_of(1), 10);
  ledger.on_send(1, id_of(2), 11);
  EXPECT_TRUE(ledger.on_sent(0, 1));
  EXPECT_EQ(ledger.lost(), 1U);
  EXPECT_TRUE(ledger.on_delivered(0, id_of(1), 1));
  EXPECT_EQ(ledger.lost(), 0U);
}

TEST(BenchLedger, other_chat_seq_for_the_same_message_is_a_contradiction) {
  Ledger ledger;
  ledger.on_send(0, id_of(1), 10);
  EXPECT_TRUE(ledger.on_sent(0, 7));
  EXPECT_FALSE(ledger.on_sent(0, 8));
  Ledger other;
  other.on_send(0, id_of(1), 10);
  EXPECT_TRUE(other.on_delivered(0, id_of(1), 7));
  EXPECT_FALSE(other.on_sent(0, 8));
}

TEST(BenchLedger, delivery_under_another_id_is_a_contradiction) {
  Ledger ledger;
  ledger.on_send(0, id_of(1), 10);
  EXPECT_FALSE(ledger.on_delivered(0, id_of(2), 1));
}

TEST(BenchRequestTable, full_table_gives_nothing_until_one_is_released) {
  RequestTable table;
  const std::uint64_t first = table.take(2);
  const std::uint64_t second = table.take(2);
  EXPECT_NE(first, second);
  EXPECT_EQ(table.take(2), 0U);
  table.release(first);
  EXPECT_EQ(table.take(2), first);
}

TEST(BenchRequestTable, unknown_and_released_requests_are_not_found) {
  RequestTable table;
  const std::uint64_t request = table.take(1);
  EXPECT_NE(table.find(request), nullptr);
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(99), nullptr);
  table.release(request);
  EXPECT_EQ(table.find(request), nullptr);
}

TEST(BenchRequestTable, open_requests_come_in_order_of_sending) {
  RequestTable table;
  const std::uint64_t a = table.take(9);
  const std::uint64_t b = table.take(9);
  const std::uint64_t c = table.take(9);
  table.find(a)->intended_ns = 30;
  table.find(b)->intended_ns = 10;
  table.find(c)->intended_ns = 10;
  table.find(b)->counter = 2;
  table.find(c)->counter = 1;
  EXPECT_EQ(table.open_in_order(), (std::vector<std::uint64_t>{c, b, a}));
}

}  // namespace
}  // namespace godwit::bench
