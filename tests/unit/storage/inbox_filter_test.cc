#include "storage/inbox_filter.h"

#include "store_fixture.h"

namespace godwit {
namespace {

constexpr Partition kPartition{5};
constexpr std::int64_t kDay = 24LL * 3600 * 1000;

std::string encoded_entry(std::int64_t time_ms, const std::string& chat = "payload") {
  store::InboxRun entry;
  entry.set_chat(chat);
  entry.set_time_ms(time_ms);
  return entry.SerializeAsString();
}

store::InboxRow inbox_row(std::vector<std::uint64_t> cursors, std::uint64_t floor = 0) {
  store::InboxRow row;
  row.set_end(1000);
  row.set_floor(floor);
  for (const auto cursor : cursors) {
    auto* device = row.add_cursors();
    device->set_device_id(static_cast<std::uint32_t>(row.cursors_size()));
    device->set_cursor(cursor);
  }
  return row;
}

TEST(InboxFilterTest, entry_time_is_found_without_decoding) {
  EXPECT_EQ(inbox_run_time_ms(encoded_entry(1'700'000'000'123)), 1'700'000'000'123);
  EXPECT_EQ(inbox_run_time_ms(encoded_entry(77, std::string(100'000, 'x'))), 77);
  EXPECT_EQ(inbox_run_time_ms(encoded_entry(77, "")), 77);
}

TEST(InboxFilterTest, entry_time_skips_fields_of_a_newer_program) {
  // Fields 9 to 12 of every wire type, before the time.
  const std::string newer(
      "\x48\x96\x01\x51"
      "ABCDEFGH"
      "\x5a\x03"
      "xyz"
      "\x65"
      "QRST");
  EXPECT_EQ(inbox_run_time_ms(newer + encoded_entry(77)), 77);
}

TEST(InboxFilterTest, malformed_entry_has_no_time) {
  const std::string whole = encoded_entry(1'700'000'000'123, "");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(inbox_run_time_ms(whole.substr(0, size)), 0) << size;
  }
  EXPECT_EQ(inbox_run_time_ms("\x0a\xff\xff\xff\xff\x7f"), 0);
  EXPECT_EQ(inbox_run_time_ms("\x0b"), 0);
  EXPECT_EQ(inbox_run_time_ms(std::string(30, '\xff')), 0);
}

TEST(InboxFilterTest, dead_entries_end_at_the_slowest_device_or_the_floor) {
  constexpr std::uint64_t kEverything = ~0ULL;
  EXPECT_EQ(inbox_dead_upto(inbox_row({9, 4, 7}).SerializeAsString()), 4u);
  EXPECT_EQ(inbox_dead_upto(inbox_row({9, 4, 7}, 6).SerializeAsString()), 6u);
  EXPECT_EQ(inbox_dead_upto(inbox_row({9, 0}).SerializeAsString()), 0u);
  EXPECT_EQ(inbox_dead_upto(inbox_row({}).SerializeAsString()), kEverything);
  auto closed = inbox_row({1});
  closed.set_closed(true);
  EXPECT_EQ(inbox_dead_upto(closed.SerializeAsString()), kEverything);
  EXPECT_EQ(inbox_dead_upto("\xff\xff\xff"), 0u) << "malformed: keep";
}

class InboxTrimTest : public StoreFixture {
 protected:
  static std::string key(std::uint64_t user, std::uint64_t seq) {
    return inbox_key(kPartition, UserId(user), InboxSeq(seq));
  }

  void put_row(std::uint64_t user, const store::InboxRow& row) {
    ASSERT_TRUE(commit(Column::inbox_meta, {{user_key(kPartition, UserId(user)), row.SerializeAsString()}}));
  }

  // Entries 1 to 12 of each user, one file per sequence: more than enough for compaction to begin.
  void put_entries(std::vector<std::uint64_t> users,
                   const std::function<std::int64_t(std::uint64_t)>& time_of) {
    for (std::uint64_t seq = 1; seq <= 12; ++seq) {
      std::vector<std::pair<std::string, std::string>> rows;
      for (const auto user : users) rows.emplace_back(key(user, seq), encoded_entry(time_of(seq)));
      ASSERT_TRUE(commit(Column::inbox, std::move(rows)));
    }
  }

  std::vector<std::uint64_t> entries_of(std::uint64_t user) {
    const std::string prefix = user_key(kPartition, UserId(user));
    std::vector<std::uint64_t> seqs;
    for (const auto& k : scan_keys(Column::inbox, prefix, prefix_end(prefix), false))
      seqs.push_back(seq_of_key(k));
    return seqs;
  }

  // Commits other users' entries until compaction has rewritten the files of interest.
  bool eventually_entries_are(std::uint64_t user, const std::vector<std::uint64_t>& expected) {
    for (std::uint64_t i = 1; i <= 200 && entries_of(user) != expected; ++i) {
      commit(Column::inbox, {{key(0, i), encoded_entry(clock_.wall_ms())},
                             {key(~0ULL, i), encoded_entry(clock_.wall_ms())}});
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return entries_of(user) == expected;
  }

  const std::vector<std::uint64_t> all_ = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
};

TEST_F(InboxTrimTest, acknowledged_entries_go_and_the_rest_stays) {
  open();
  put_row(1, inbox_row({10, 12}));
  put_row(2, inbox_row({0, 12}));
  put_row(3, inbox_row({}));
  put_row(4, inbox_row({2}, 11));
  put_entries({1, 2, 3, 4, 5}, [&](std::uint64_t) { return clock_.wall_ms(); });
  EXPECT_TRUE(eventually_entries_are(1, {11, 12}));
  EXPECT_TRUE(eventually_entries_are(3, {}));
  EXPECT_TRUE(eventually_entries_are(4, {12}));
  EXPECT_EQ(entries_of(2), all_) << "one device has read nothing";
  EXPECT_EQ(entries_of(5), all_) << "nothing is known of this user";
}

TEST_F(InboxTrimTest, expired_entries_go_though_unread) {
  options_.inbox_retention_ms = 30 * kDay;
  open();
  put_row(1, inbox_row({0}));
  put_entries({1}, [&](std::uint64_t seq) { return clock_.wall_ms() - (seq <= 9 ? 31 : 29) * kDay; });
  EXPECT_TRUE(eventually_entries_are(1, {10, 11, 12}));
}

TEST_F(InboxTrimTest, clock_that_jumps_ahead_expires_nothing) {
  options_.inbox_retention_ms = 30 * kDay;
  open();
  put_row(1, inbox_row({0}));
  put_row(2, inbox_row({12}));
  clock_.jump_wall(365 * kDay);
  put_entries({1, 2}, [&](std::uint64_t) { return clock_.wall_ms() - 365 * kDay; });
  EXPECT_TRUE(eventually_entries_are(2, {})) << "compaction has run";
  EXPECT_EQ(entries_of(1), all_);
}

TEST_F(InboxTrimTest, closing_during_compaction_loses_nothing) {
  for (int round = 0; round < 10; ++round) {
    open();
    put_row(1, inbox_row({0}));
    for (int i = 0; i < 9; ++i) {
      ASSERT_TRUE(commit(Column::inbox, {{key(1, round * 9 + i + 1), encoded_entry(clock_.wall_ms())},
                                         {key(2, round * 9 + i + 1), encoded_entry(clock_.wall_ms())}}));
    }
    close();
  }
  open();
  EXPECT_EQ(entries_of(1).size(), 90u);
  EXPECT_EQ(entries_of(2).size(), 90u);
}

}  // namespace
}  // namespace godwit
