#include "storage/keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/random.h"

namespace godwit {
namespace {

const ChatId kChat = ChatId::from(std::string("0123456789abcdef"));

TEST(KeysTest, inbox_keys_sort_by_partition_then_user_then_sequence) {
  const std::vector<std::string> ascending = {
      inbox_key(Partition(1), UserId(2), InboxSeq(0xff)),
      inbox_key(Partition(1), UserId(2), InboxSeq(0x100)),
      inbox_key(Partition(1), UserId(0x100), InboxSeq(1)),
      inbox_key(Partition(0x100), UserId(1), InboxSeq(1)),
  };
  EXPECT_TRUE(std::is_sorted(ascending.begin(), ascending.end()));
}

TEST(KeysTest, keys_of_one_owner_share_its_prefix_and_end_in_the_sequence) {
  const std::string user = user_key(Partition(7), UserId(9));
  EXPECT_TRUE(inbox_key(Partition(7), UserId(9), InboxSeq(1)).starts_with(user));
  EXPECT_TRUE(mark_key(Partition(7), UserId(9), kChat).starts_with(user));
  EXPECT_TRUE(log_key(Partition(7), kChat, ChatSeq(5)).starts_with(chat_key(Partition(7), kChat)));
  EXPECT_EQ(seq_of_key(inbox_key(Partition(7), UserId(9), InboxSeq(0x0102030405060708))),
            0x0102030405060708u);
  EXPECT_EQ(seq_of_key(log_key(Partition(7), kChat, ChatSeq(5))), 5u);
}

TEST(KeysTest, contact_keys_are_in_the_range_of_their_user) {
  const std::string key = contact_key(Partition(7), UserId(0x0102), UserId(0x0304));
  EXPECT_EQ(key, user_key(Partition(7), UserId(0x0102)) + std::string("\0\0\0\0\0\0\x03\x04", 8));
  EXPECT_EQ(seq_of_key(key), 0x0304u);
}

TEST(KeysTest, prefix_end_is_the_least_key_beyond_the_prefix) {
  EXPECT_EQ(prefix_end("ab"), "ac");
  EXPECT_EQ(prefix_end(std::string("a\xff\xff", 3)), "b");
  EXPECT_EQ(prefix_end(std::string("\xff\xff", 2)), "");
  EXPECT_GT(prefix_end("ab"), std::string("ab\xff\xff\xff"));
}

// The hash is part of the storage format: these values may never change.
TEST(KeysTest, partitions_are_those_of_the_storage_format) {
  EXPECT_EQ(partition_of(UserId(1), 256).value, 243);
  EXPECT_EQ(partition_of(UserId(0x0123456789abcdef), 256).value, 98);
  EXPECT_EQ(partition_of(kChat, 256).value, 45);
  EXPECT_EQ(partition_of(std::string_view("alice"), 256).value, 176);
}

TEST(KeysTest, partitions_are_evenly_used) {
  std::map<std::uint16_t, int> used;
  for (int i = 0; i < 64'000; ++i) ++used[partition_of(UserId(random_u64()), 64).value];
  ASSERT_EQ(used.size(), 64u);
  for (const auto& [partition, count] : used) {
    EXPECT_GT(count, 700) << partition;
    EXPECT_LT(count, 1300) << partition;
  }
}

}  // namespace
}  // namespace godwit
