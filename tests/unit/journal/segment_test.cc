#include "journal/segment.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(SegmentTest, header_comes_back) {
  for (const bool unsynced : {false, true}) {
    const auto bytes = encode_segment_header({Lsn(0x0123456789abcdef), 42, unsynced});
    const auto header = parse_segment_header({bytes.data(), bytes.size()});
    ASSERT_TRUE(header);
    EXPECT_EQ(header->first, Lsn(0x0123456789abcdef));
    EXPECT_EQ(header->seed, 42u);
    EXPECT_EQ(header->unsynced, unsynced);
  }
}

TEST(SegmentTest, header_that_is_damaged_short_or_zero_is_none) {
  auto bytes = encode_segment_header({Lsn(9), 42, false});
  EXPECT_FALSE(parse_segment_header({bytes.data(), bytes.size() - 1}));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(parse_segment_header({bytes.data(), bytes.size()})) << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  EXPECT_FALSE(parse_segment_header(std::string(kSegmentHeaderBytes, '\0')));
}

TEST(SegmentTest, names_come_back_and_others_are_none) {
  EXPECT_EQ(segment_name(Lsn(0x1f)), "journal-000000000000001f.log");
  EXPECT_EQ(parse_segment_name("journal-000000000000001f.log"), Lsn(0x1f));
  EXPECT_EQ(spare_name(12), "spare-12.log");
  EXPECT_EQ(parse_spare_name("spare-12.log"), 12u);
  for (const char* name :
       {"LOCK", "journal-.log", "journal-1g.log", "journal-1f", "journal-1f.log.bak", "spare-12.log"}) {
    EXPECT_FALSE(parse_segment_name(name)) << name;
  }
  for (const char* name : {"spare-.log", "spare-1f.log", "spare-12", "journal-000000000000001f.log"}) {
    EXPECT_FALSE(parse_spare_name(name)) << name;
  }
}

}  // namespace
}  // namespace godwit
