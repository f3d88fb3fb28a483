#include "journal/block.h"

#include <gtest/gtest.h>

#include <vector>

namespace godwit {
namespace {

constexpr std::uint64_t kSeed = 0x1122334455667788;

std::string block_of(const std::vector<std::string>& records, Lsn first = Lsn(7),
                     std::uint64_t seed = kSeed) {
  std::string out;
  BlockBuilder builder(out, first, seed);
  for (const auto& record : records) builder.add(record);
  builder.finish();
  return out;
}

std::vector<std::string> records_of(const Block& block) {
  std::vector<std::string> records;
  std::string_view payload = block.payload;
  for (std::uint32_t i = 0; i < block.records; ++i) {
    const auto record = next_record(payload);
    if (!record) break;
    records.emplace_back(*record);
  }
  EXPECT_TRUE(payload.empty());
  return records;
}

TEST(BlockTest, records_of_every_length_come_back) {
  const std::vector<std::string> records = {"",
                                            "a",
                                            std::string(127, 'b'),
                                            std::string(128, 'c'),
                                            std::string(16'383, 'd'),
                                            std::string(16'384, 'e'),
                                            std::string(3'000'000, 'f')};
  const std::string bytes = block_of(records);
  const auto block = parse_block(bytes, kSeed);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->first, Lsn(7));
  EXPECT_EQ(block->bytes(), bytes.size());
  EXPECT_EQ(records_of(*block), records);
}

TEST(BlockTest, framed_bytes_is_what_a_record_adds) {
  for (const std::size_t size : {0, 1, 127, 128, 16'383, 16'384, 2'097'151, 2'097'152}) {
    EXPECT_EQ(block_of({std::string(size, 'x')}).size() - kBlockHeaderBytes, framed_bytes(size)) << size;
  }
}

TEST(BlockTest, block_is_found_before_what_follows_it) {
  const std::string bytes = block_of({"abc"});
  const auto block = parse_block(bytes + "rest", kSeed);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->bytes(), bytes.size());
}

TEST(BlockTest, truncated_anywhere_is_no_block) {
  const std::string bytes = block_of({"abc", std::string(200, 'x')});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_block(bytes.substr(0, size), kSeed)) << size;
  }
}

TEST(BlockTest, any_bit_flipped_is_no_block) {
  const std::string bytes = block_of({"abc", "defgh"});
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(parse_block(damaged, kSeed)) << bit;
  }
}

TEST(BlockTest, block_of_another_segment_is_no_block) {
  EXPECT_FALSE(parse_block(block_of({"abc"}, Lsn(7), kSeed + 1), kSeed));
}

TEST(BlockTest, wrong_framing_gives_no_record) {
  for (const std::string& wrong : {std::string(""), std::string("\x05xyz"), std::string("\x80"),
                                   std::string("\xff\xff\xff\xff\xff\xff\xff")}) {
    std::string_view payload(wrong);
    EXPECT_FALSE(next_record(payload));
  }
}

}  // namespace
}  // namespace godwit
