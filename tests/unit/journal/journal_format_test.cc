// The worked examples of docs/storage-format.md, byte for byte.
#include <regex>
#include <sstream>

#include "base/random.h"
#include "journal/block.h"
#include "journal_fixture.h"

namespace godwit {
namespace {

constexpr std::uint64_t kFixedSeed = 0x0123456789abcdef;

// The hex digits of the example, without its comments, which begin after three spaces.
std::string example(const std::string& name) {
  std::istringstream in(read_file(std::string(GODWIT_SOURCE_DIR) + "/docs/storage-format.md"));
  std::string digits;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (inside && line == "```") break;
    if (inside) digits += std::regex_replace(line.substr(0, line.find("   ")), std::regex(" "), "");
    if (line == "```hex " + name) inside = true;
  }
  return digits;
}

TEST(JournalFormatTest, segment_header_is_as_documented) {
  const auto header = encode_segment_header({Lsn(41), kFixedSeed, false});
  EXPECT_EQ(hex({header.data(), header.size()}), example("segment-header"));
}

TEST(JournalFormatTest, block_is_as_documented) {
  store::Record revoked;
  revoked.set_time_ms(1'700'000'000'000);
  revoked.mutable_device_revoked()->set_user(0x0123456789abcdef);
  revoked.mutable_device_revoked()->set_device_id(2);
  store::Record invite;
  invite.set_time_ms(1'700'000'000'001);
  invite.mutable_invite_created()->set_code("k7");
  invite.mutable_invite_created()->set_uses(1);
  std::string bytes;
  BlockBuilder block(bytes, Lsn(41), kFixedSeed);
  block.add(revoked.SerializeAsString());
  block.add(invite.SerializeAsString());
  block.finish();
  EXPECT_EQ(hex(bytes), example("block"));
}

}  // namespace
}  // namespace godwit
