#include <sys/stat.h>

#include "store_fixture.h"

namespace godwit {
namespace {

using StoreTest = StoreFixture;

constexpr Partition kPartition{3};
const ChatId kChat = ChatId::from(std::string("0123456789abcdef"));

std::string inbox(std::uint64_t user, std::uint64_t seq) {
  return inbox_key(kPartition, UserId(user), InboxSeq(seq));
}

TEST_F(StoreTest, new_directory_is_private_and_starts_at_zero) {
  options_.partitions = 16;
  open();
  EXPECT_EQ(store_->partitions(), 16u);
  EXPECT_EQ(store_->applied(), Lsn(0));
  struct stat info {};
  ASSERT_EQ(::stat(options_.directory.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(StoreTest, committed_rows_and_position_survive_a_restart) {
  open();
  CheckpointRows rows;
  rows.put(Column::user, "u1", "alice");
  rows.put(Column::handle, "alice", "u1");
  ASSERT_TRUE(store_->commit(std::move(rows), Lsn(41)));
  EXPECT_EQ(store_->applied(), Lsn(41));
  open();
  EXPECT_EQ(store_->applied(), Lsn(41));
  EXPECT_EQ(store_->get(Column::user, "u1"), "alice");
  EXPECT_EQ(store_->get(Column::handle, "alice"), "u1");
  EXPECT_EQ(store_->get(Column::user, "alice"), std::nullopt);
}

TEST_F(StoreTest, partitions_of_the_directory_win_over_the_options) {
  options_.partitions = 16;
  open();
  options_.partitions = 64;
  EXPECT_EQ(open().partitions(), 16u);
}

TEST_F(StoreTest, later_row_for_a_key_wins_within_and_across_checkpoints) {
  open();
  const std::string long_key(100, 'k');
  ASSERT_TRUE(commit(Column::handle, {{long_key, "1"}, {"a", "x"}, {long_key, "2"}, {long_key + "z", "9"}}));
  EXPECT_EQ(store_->get(Column::handle, long_key), "2");
  ASSERT_TRUE(commit(Column::handle, {{long_key, "3"}}));
  EXPECT_EQ(store_->get(Column::handle, long_key), "3");
  EXPECT_EQ(store_->get(Column::handle, long_key + "z"), "9");
}

TEST_F(StoreTest, keys_that_differ_in_trailing_zeros_stay_apart) {
  open();
  const std::string a("k");
  const std::string b("k\0", 2);
  const std::string c("k\0\0", 3);
  ASSERT_TRUE(commit(Column::handle, {{c, "3"}, {a, "1"}, {b, "2"}}));
  EXPECT_EQ(store_->get(Column::handle, a), "1");
  EXPECT_EQ(store_->get(Column::handle, b), "2");
  EXPECT_EQ(store_->get(Column::handle, c), "3");
}

TEST_F(StoreTest, merged_rows_are_committed_with_the_later_one_last) {
  open();
  CheckpointRows first;
  CheckpointRows second;
  first.put(Column::chat, "c", "old");
  second.put(Column::chat, "c", "new");
  second.put(Column::mark, "m", "1");
  const std::size_t bytes = first.bytes() + second.bytes();
  first.merge(std::move(second));
  EXPECT_EQ(first.bytes(), bytes);
  EXPECT_TRUE(second.empty());
  ASSERT_TRUE(store_->commit(std::move(first), Lsn(1)));
  EXPECT_EQ(store_->get(Column::chat, "c"), "new");
  EXPECT_EQ(store_->get(Column::mark, "m"), "1");
}

TEST_F(StoreTest, checkpoint_without_rows_moves_the_position) {
  open();
  ASSERT_TRUE(store_->commit(CheckpointRows(), Lsn(7)));
  EXPECT_EQ(open().applied(), Lsn(7));
}

TEST_F(StoreTest, multi_get_answers_in_the_order_of_the_keys) {
  open();
  ASSERT_TRUE(commit(Column::inbox_meta, {{"a", "1"}, {"b", "2"}}));
  const auto rows = store_->multi_get(Column::inbox_meta, {"b", "missing", "a", "b"});
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0], "2");
  EXPECT_EQ(rows[1], std::nullopt);
  EXPECT_EQ(rows[2], "1");
  EXPECT_EQ(rows[3], "2");
}

// Every user in a file of its own and in a shared one, so that filters of several files are asked.
TEST_F(StoreTest, scan_stays_within_its_bounds_in_both_directions) {
  open();
  for (std::uint64_t user : {1, 2, 3}) {
    ASSERT_TRUE(commit(Column::inbox, {{inbox(user, 1), "v"}, {inbox(user, 2), "v"}}));
  }
  ASSERT_TRUE(commit(Column::inbox, {{inbox(1, 3), "v"}, {inbox(2, 3), "v"}, {inbox(2, 4), "v"}}));

  const std::string begin = inbox(2, 2);
  const std::string end = prefix_end(user_key(kPartition, UserId(2)));
  EXPECT_EQ(scan_keys(Column::inbox, begin, end, false),
            (std::vector{inbox(2, 2), inbox(2, 3), inbox(2, 4)}));
  EXPECT_EQ(scan_keys(Column::inbox, begin, end, true), (std::vector{inbox(2, 4), inbox(2, 3), inbox(2, 2)}));
  EXPECT_EQ(scan_keys(Column::inbox, begin, inbox(2, 4), false), (std::vector{inbox(2, 2), inbox(2, 3)}));
  EXPECT_EQ(scan_keys(Column::inbox, begin, inbox(2, 4), true), (std::vector{inbox(2, 3), inbox(2, 2)}));
  EXPECT_TRUE(scan_keys(Column::inbox, inbox(4, 1), inbox(4, 9), false).empty());
  EXPECT_TRUE(scan_keys(Column::inbox, inbox(4, 1), inbox(4, 9), true).empty());
  // Across users, and without an end.
  EXPECT_EQ(scan_keys(Column::inbox, inbox(1, 3), inbox(2, 2), false),
            (std::vector{inbox(1, 3), inbox(2, 1)}));
  EXPECT_EQ(scan_keys(Column::inbox, inbox(2, 4), "", false),
            (std::vector{inbox(2, 4), inbox(3, 1), inbox(3, 2)}));
  EXPECT_EQ(scan_keys(Column::inbox, inbox(2, 4), "", true),
            (std::vector{inbox(3, 2), inbox(3, 1), inbox(2, 4)}));
}

TEST_F(StoreTest, scan_ends_when_the_visitor_has_enough) {
  open();
  for (std::uint64_t seq = 1; seq <= 9; ++seq) {
    ASSERT_TRUE(commit(Column::chat_log, {{log_key(kPartition, kChat, ChatSeq(seq)), std::to_string(seq)}}));
  }
  std::vector<std::string> values;
  store_->scan(Column::chat_log, log_key(kPartition, kChat, ChatSeq(1)),
               prefix_end(chat_key(kPartition, kChat)), true, [&](std::string_view, std::string_view value) {
                 values.emplace_back(value);
                 return values.size() < 3;
               });
  EXPECT_EQ(values, (std::vector<std::string>{"9", "8", "7"}));
}

TEST_F(StoreTest, backup_opens_as_a_store_and_stays_as_it_was) {
  open();
  ASSERT_TRUE(commit(Column::user, {{"u", "before"}}));
  const std::string copy = directory_ + "/copy";
  ASSERT_EQ(store_->backup(copy), std::nullopt);
  ASSERT_TRUE(commit(Column::user, {{"u", "after"}}));
  EXPECT_NE(store_->backup(copy), std::nullopt) << "the directory exists";
  options_.directory = copy;
  open();
  EXPECT_EQ(store_->get(Column::user, "u"), "before");
  EXPECT_EQ(store_->applied(), Lsn(1));
  EXPECT_EQ(store_->partitions(), 256u);
}

TEST_F(StoreTest, many_small_checkpoints_leave_few_files) {
  open();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(commit(Column::inbox_meta, {{"a", std::to_string(i)}, {"z", std::to_string(i)}}));
  }
  EXPECT_TRUE(eventually([&] { return metric("godwit_store_level0_files{column=\"inbox_meta\"}") <= 16; }));
  EXPECT_TRUE(eventually([&] { return metric("godwit_store_level0_files{column=\"default\"}") <= 16; }));
  EXPECT_EQ(store_->get(Column::inbox_meta, "a"), "99");
  EXPECT_EQ(open().applied(), Lsn(100));
}

TEST_F(StoreTest, checkpoints_and_sizes_are_metrics_and_outlive_the_store) {
  open();
  ASSERT_TRUE(commit(Column::chat, {{"a", std::string(5000, 'x')}, {"b", "1"}, {"b", "2"}}));
  EXPECT_EQ(metric("godwit_store_checkpoint_rows_total"), 4 + 3) << "rows of the new store, then 2 and meta";
  EXPECT_GT(metric("godwit_store_checkpoint_bytes_total"), 5000);
  EXPECT_EQ(metric("godwit_store_checkpoint_seconds_count"), 2);
  EXPECT_GT(metric("godwit_store_live_bytes{column=\"chat\"}"), 5000);
  EXPECT_EQ(metric("godwit_store_level0_files{column=\"chat\"}"), 1);
  EXPECT_GT(metric("godwit_store_block_cache_bytes"), 0);
  close();
  EXPECT_GT(metric("godwit_store_live_bytes{column=\"chat\"}"), 5000);
}

TEST_F(StoreTest, erased_rows_are_gone_and_the_last_word_for_a_key_counts) {
  open();
  const std::string key = contact_key(Partition(1), UserId(1), UserId(2));
  const std::string other = contact_key(Partition(1), UserId(1), UserId(3));
  ASSERT_TRUE(commit(Column::contact, {{key, "a"}, {other, "b"}}));
  CheckpointRows rows;
  rows.put(Column::contact, key, "again");
  rows.erase(Column::contact, key);
  rows.erase(Column::contact, other);
  rows.put(Column::contact, other, "back");
  rows.erase(Column::contact, contact_key(Partition(1), UserId(1), UserId(4)));
  ASSERT_TRUE(store_->commit(std::move(rows), Lsn(++lsn_)));
  open();
  EXPECT_EQ(store_->get(Column::contact, key), std::nullopt);
  EXPECT_EQ(store_->get(Column::contact, other), "back");
  const std::string prefix = user_key(Partition(1), UserId(1));
  EXPECT_EQ(scan_keys(Column::contact, prefix, prefix_end(prefix), false), std::vector<std::string>{other});
}

}  // namespace
}  // namespace godwit
