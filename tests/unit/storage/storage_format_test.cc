// The worked examples of docs/storage-format.md, byte for byte.
#include <fstream>

#include "base/random.h"
#include "store_fixture.h"

namespace godwit {
namespace {

// The hex digits of the example, without its comments, which begin after three spaces.
std::string example(const std::string& name) {
  std::ifstream in(std::string(GODWIT_SOURCE_DIR) + "/docs/storage-format.md");
  std::string digits;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (inside && line == "```") break;
    if (inside) digits += std::regex_replace(line.substr(0, line.find("   ")), std::regex(" "), "");
    if (line == "```hex " + name) inside = true;
  }
  return digits;
}

TEST(StorageFormatTest, inbox_key_is_as_documented) {
  const UserId user(0x0123456789abcdef);
  EXPECT_EQ(hex(inbox_key(partition_of(user, 256), user, InboxSeq(300))), example("inbox-key"));
}

TEST(StorageFormatTest, inbox_value_is_as_documented) {
  store::InboxRun run;
  run.set_time_ms(1'700'000'000'000);
  run.set_chat("ABCDEFGHIJKLMNOP");
  run.set_chat_seq(300);
  run.set_count(2);
  run.set_peer(0x0123456789abcdef);
  EXPECT_EQ(hex(run.SerializeAsString()), example("inbox-value"));
}

class StoreFormatTest : public StoreFixture {};

TEST_F(StoreFormatTest, meta_rows_are_as_documented) {
  open();
  ASSERT_TRUE(store_->commit(CheckpointRows(), Lsn(41)));
  EXPECT_EQ(store_->get(Column::meta, "format"), "2");
  EXPECT_EQ(store_->get(Column::meta, "partitions"), "256");
  EXPECT_EQ(store_->get(Column::meta, "applied"), "41");
}

}  // namespace
}  // namespace godwit
