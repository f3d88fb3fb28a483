#include "journal/recovery.h"

#include "journal/block.h"
#include "journal_fixture.h"

namespace godwit {
namespace {

class RecoveryTest : public JournalFixture {
 protected:
  // One segment with blocks "1", "2" ... "n", one record each; returns where each begins, and the end.
  std::vector<std::size_t> write_blocks(int n, const std::string& tail = {}) {
    open();
    for (int i = 1; i <= n; ++i) EXPECT_EQ(append_and_wait(std::to_string(i) + tail), Errc::ok);
    EXPECT_TRUE(eventually([&] { return files("journal-").size() == 1; }));
    close();
    path_ = files("journal-").front();
    bytes_ = read_file(path_);
    std::vector<std::size_t> begins;
    const auto header = parse_segment_header(bytes_);
    std::size_t at = kSegmentHeaderBytes;
    while (const auto block = parse_block(std::string_view(bytes_).substr(at), header->seed)) {
      begins.push_back(at);
      at += block->bytes();
    }
    EXPECT_EQ(begins.size(), static_cast<std::size_t>(n));
    begins.push_back(at);
    return begins;
  }

  static ::testing::AssertionResult says(const std::string& message, const std::string& what) {
    if (message.find(what) != std::string::npos) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "\"" << message << "\" does not say \"" << what << "\"";
  }

  // Recovers, appends one more, recovers again: what was repaired must stay so.
  void expect_goes_on_after(const std::vector<std::string>& payloads) {
    recover();
    ASSERT_EQ(replayed(), payloads);
    start();
    ASSERT_EQ(append_and_wait("more"), Errc::ok);
    auto expected = payloads;
    expected.push_back("more");
    recover();
    ASSERT_EQ(replayed(), expected);
    for (std::size_t i = 0; i < replayed_.size(); ++i) ASSERT_EQ(replayed_[i]->lsn, Lsn(i + 1));
    close();
  }

  // Leaves the directory as it was after write_blocks, but for the segment's content.
  void put_back(const std::string& bytes) {
    close();
    for (const auto& file : files("")) std::filesystem::remove(file);
    write_file(path_, bytes);
  }

  std::string path_;
  std::string bytes_;
};

TEST_F(RecoveryTest, file_cut_at_any_byte_of_the_last_block_loses_that_block_alone) {
  const auto at = write_blocks(3);
  for (std::size_t size = at[2]; size < at[3]; ++size) {
    put_back(bytes_.substr(0, size));
    recover();
    ASSERT_EQ(replayed(), (std::vector<std::string>{"1", "2"})) << size;
  }
  put_back(bytes_.substr(0, at[3]));
  recover();
  EXPECT_EQ(replayed_.size(), 3u);
}

TEST_F(RecoveryTest, last_block_zeroed_from_any_byte_is_repaired_for_good) {
  const auto at = write_blocks(3);
  for (std::size_t size = at[2]; size < at[3]; size += 7) {
    std::string torn = bytes_;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(size), torn.end(), '\0');
    put_back(torn);
    expect_goes_on_after({"1", "2"});
  }
}

TEST_F(RecoveryTest, bit_flipped_before_the_last_block_is_refused) {
  const auto at = write_blocks(4);
  for (std::size_t byte = at[0]; byte < at[3]; ++byte) {
    std::string damaged = bytes_;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 0x10);
    put_back(damaged);
    const std::string message = recover_error();
    ASSERT_TRUE(says(message, byte < at[1] ? "damaged at byte 64" : "damaged at byte")) << byte;
    ASSERT_TRUE(says(message, "whole records follow")) << byte;
  }
}

TEST_F(RecoveryTest, damage_in_front_of_the_position_asked_for_is_refused_too) {
  const auto at = write_blocks(4);
  std::string damaged = bytes_;
  damaged[at[1] + 36] ^= 1;
  put_back(damaged);
  EXPECT_TRUE(says(recover_error(Lsn(3)), "damaged at byte"));
}

TEST_F(RecoveryTest, header_damaged_is_refused) {
  write_blocks(2);
  std::string damaged = bytes_;
  damaged[20] ^= 1;
  put_back(damaged);
  EXPECT_TRUE(says(recover_error(), "has no valid header"));
}

TEST_F(RecoveryTest, only_block_of_a_named_segment_damaged_is_refused) {
  const auto at = write_blocks(1);
  std::string damaged = bytes_;
  damaged[at[1] - 1] ^= 1;
  put_back(damaged);
  EXPECT_TRUE(says(recover_error(), "damaged at its first block"));
}

TEST_F(RecoveryTest, missing_segment_is_refused) {
  open();
  const std::string payload(20'000, 'x');
  for (int i = 0; i < 20; ++i) ASSERT_EQ(append_and_wait(payload), Errc::ok);
  ASSERT_TRUE(eventually([&] { return files("journal-").size() >= 7; }));
  close();
  const auto segments = files("journal-");
  const std::string kept = read_file(segments[2]);
  std::filesystem::remove(segments[2]);
  EXPECT_TRUE(says(recover_error(), "a segment is missing or damaged"));
  write_file(segments[2], kept);
  EXPECT_EQ(recover_error(), "");
  std::filesystem::remove(segments[0]);
  close();
  EXPECT_TRUE(says(recover_error(), "records from 1 on are needed"));
}

TEST_F(RecoveryTest, last_block_of_an_earlier_segment_damaged_is_refused) {
  open();
  for (int i = 0; i < 8; ++i) ASSERT_EQ(append_and_wait(std::string(20'000, 'x')), Errc::ok);
  ASSERT_TRUE(eventually([&] { return files("journal-").size() >= 3; }));
  close();
  const std::string first = files("journal-")[0];
  std::string damaged = read_file(first);
  const auto last_x = damaged.find_last_of('x');
  damaged[last_x] = 'y';
  write_file(first, damaged);
  EXPECT_TRUE(says(recover_error(), "a segment is missing or damaged"));
}

TEST_F(RecoveryTest, store_ahead_of_the_journal_goes_on_after_the_store) {
  write_blocks(3);
  open(Lsn(10));
  EXPECT_TRUE(replayed().empty());
  ASSERT_EQ(append_and_wait("11"), Errc::ok);
  EXPECT_EQ(journal_->committed(), Lsn(11));
  recover(Lsn(10));
  EXPECT_EQ(replayed(), std::vector<std::string>{"11"});
}

TEST_F(RecoveryTest, journal_lost_goes_on_after_the_store) {
  recover(Lsn(500));
  EXPECT_EQ(journal_->committed(), Lsn(500));
  start();
  ASSERT_EQ(append_and_wait("501"), Errc::ok);
  recover(Lsn(500));
  ASSERT_EQ(replayed_.size(), 1u);
  EXPECT_EQ(replayed_[0]->lsn, Lsn(501));
}

TEST_F(RecoveryTest, segment_not_yet_renamed_is_found_by_its_header) {
  write_blocks(3);
  std::filesystem::rename(path_, options_.directory + "/spare-900.log");
  expect_goes_on_after({"1", "2", "3"});
}

TEST_F(RecoveryTest, first_block_of_a_fresh_segment_torn_is_dropped_for_good) {
  const auto at = write_blocks(3);
  std::string fresh = bytes_;
  const auto header = encode_segment_header({Lsn(4), 99, false});
  fresh.replace(0, header.size(), header.data(), header.size());
  std::fill(fresh.begin() + static_cast<std::ptrdiff_t>(at[0]) + 20, fresh.end(), '\0');
  write_file(options_.directory + "/spare-900.log", fresh);
  expect_goes_on_after({"1", "2", "3"});
}

// The file is used again, and the new blocks end where whole old ones still stand behind them.
TEST_F(RecoveryTest, blocks_of_an_earlier_use_of_the_file_are_not_taken_for_new_ones) {
  open();
  const std::string payload(500, 'x');
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 20; ++i) ASSERT_EQ(append_and_wait(payload), Errc::ok);
    journal_->trim(journal_->committed());
  }
  const Lsn last = journal_->committed();
  bool stale = false;
  close();
  for (const auto& file : files("")) {
    const std::string bytes = read_file(file);
    stale |= bytes.find_last_not_of('\0') + 1 == bytes.size() || bytes.rfind(kBlockMagic) > 40'000;
  }
  EXPECT_TRUE(stale) << "the test must meet files that were used before";
  recover(Lsn(last.value - 1));
  EXPECT_EQ(replayed_.size(), 1u);
  EXPECT_EQ(journal_->committed(), last);
}

// A client that guesses the next position and puts a whole block into its message, at every offset.
TEST_F(RecoveryTest, block_forged_in_a_payload_is_never_believed) {
  std::string forged;
  while (forged.size() < 4000) {
    BlockBuilder block(forged, Lsn(3), 0);
    block.add(record("forged")->body.SerializeAsString());
    block.finish();
  }
  open();
  ASSERT_EQ(append_and_wait("1"), Errc::ok);
  ASSERT_EQ(append_and_wait(forged), Errc::ok);
  ASSERT_TRUE(eventually([&] { return files("journal-").size() == 1; }));
  close();
  path_ = files("journal-").front();
  bytes_ = read_file(path_);
  // Its block torn: what is left of it are forged blocks.
  const std::size_t block_at = bytes_.find(kBlockMagic, bytes_.find(kBlockMagic) + 1) - kBlockMagicAt;
  std::string torn = bytes_;
  torn.erase(block_at, 48);
  put_back(torn);
  recover();
  EXPECT_EQ(replayed(), std::vector<std::string>{"1"});
}

TEST_F(RecoveryTest, size_of_segments_may_change_between_starts) {
  write_blocks(3);
  options_.segment_bytes = 256 << 10;
  expect_goes_on_after({"1", "2", "3"});
  options_.segment_bytes = 64 << 10;
  recover();
  EXPECT_EQ(replayed_.size(), 4u);
}

TEST_F(RecoveryTest, without_sync_what_follows_a_hole_is_given_up_and_told) {
  options_.sync = false;
  const auto at = write_blocks(4);
  std::string damaged = bytes_;
  damaged[at[2] + 36] ^= 1;
  put_back(damaged);
  expect_goes_on_after({"1", "2"});
}

TEST_F(RecoveryTest, without_sync_a_later_segment_behind_a_hole_is_given_up) {
  options_.sync = false;
  open();
  for (int i = 1; i <= 8; ++i)
    ASSERT_EQ(append_and_wait(std::to_string(i) + std::string(20'000, 'x')), Errc::ok);
  ASSERT_TRUE(eventually([&] { return files("journal-").size() >= 3; }));
  close();
  const std::string first = files("journal-")[0];
  std::string damaged = read_file(first);
  damaged[damaged.find_last_of('x')] = 'y';
  write_file(first, damaged);
  recover();
  const auto kept = replayed();
  EXPECT_EQ(kept.size(), 2u);
  expect_goes_on_after(kept);
}

}  // namespace
}  // namespace godwit
