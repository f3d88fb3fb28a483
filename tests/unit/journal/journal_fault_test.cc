#include <random>

#include "base/random.h"
#include "journal_fixture.h"

namespace godwit {
namespace {

using JournalFaultTest = JournalFixture;

bool is_prefix(const std::vector<std::string>& prefix, const std::vector<std::string>& of) {
  return prefix.size() <= of.size() && std::equal(prefix.begin(), prefix.end(), of.begin());
}

// Whichever write or sync fails, of the committer or of the helper: what was acknowledged is there after a
// loss of power, nothing is acknowledged afterwards, and nothing comes out of order.
TEST_F(JournalFaultTest, failing_nth_operation_never_loses_what_was_acknowledged) {
  const std::uint64_t seed = random_u64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int n = 1; n <= 60; ++n) {
    options_.directory = directory_ + "/" + std::to_string(n);
    outcomes_.clear();
    appended_ = 0;
    FaultyDisk& disk = new_disk();
    open(Lsn(0), &disk);
    disk.fail_nth(n, random() % 9000);
    std::vector<std::string> sent;
    for (int i = 0; i < 40; ++i) {
      const std::string payload = std::to_string(i) + std::string(4000, 'x');
      sent.push_back(payload);
      if (append({record(payload)}) != Errc::ok) break;
      wait_settled();
      journal_->trim(Lsn(0));
    }
    const auto acknowledged = committed_payloads();
    if (acknowledged.size() < sent.size()) {
      EXPECT_FALSE(journal_->writable());
      EXPECT_EQ(append({record("later")}), Errc::storage_unavailable);
      EXPECT_EQ(committed_payloads().size(), acknowledged.size());
    }
    close();
    disk.lose_power([&](std::size_t) { return random() % 2 == 0; });
    recover();
    EXPECT_TRUE(is_prefix(acknowledged, replayed())) << n;
    EXPECT_TRUE(is_prefix(replayed(), sent)) << n;
    close();
  }
}

TEST_F(JournalFaultTest, write_torn_at_any_byte_counts_for_nothing) {
  // The page holds the segment's header, the first block, the second from about byte 110 to 160, then zeros.
  std::vector<std::size_t> cuts = {0, 1, 63, 64, 4095, 4096};
  for (std::size_t at = 100; at < 170; ++at) cuts.push_back(at);
  for (const std::size_t torn : cuts) {
    options_.directory = directory_ + "/" + std::to_string(torn);
    outcomes_.clear();
    appended_ = 0;
    FaultyDisk& disk = new_disk();
    open(Lsn(0), &disk);
    ASSERT_EQ(append_and_wait("first"), Errc::ok);
    ASSERT_TRUE(eventually([&] { return files("journal-").size() == 1 && files("spare-").size() == 2; }));
    disk.fail_nth(1, torn);
    ASSERT_EQ(append_and_wait("second"), Errc::storage_unavailable);
    close();
    recover();
    const auto found = replayed();
    ASSERT_GE(found.size(), 1u) << torn;
    EXPECT_EQ(found[0], "first");
    if (found.size() > 1) {
      EXPECT_GT(torn, 64u + 32u) << "whole without its bytes";
      EXPECT_EQ(found[1], "second");
    }
    start();
    ASSERT_EQ(append_and_wait("third"), Errc::ok);
    recover();
    EXPECT_EQ(replayed().back(), "third");
    close();
    std::filesystem::remove_all(options_.directory);
  }
}

TEST_F(JournalFaultTest, failed_sync_is_for_good_and_all_that_waits_is_told) {
  FaultyDisk& disk = new_disk();
  open(Lsn(0), &disk);
  ASSERT_EQ(append_and_wait("first"), Errc::ok);
  ASSERT_TRUE(eventually([&] { return files("journal-").size() == 1 && files("spare-").size() == 2; }));
  disk.fail_nth(2);
  for (int i = 0; i < 100 && append({record("x")}) == Errc::ok; ++i) {
  }
  wait_settled();
  EXPECT_EQ(committed_payloads(), std::vector<std::string>{"first"});
  EXPECT_FALSE(journal_->writable());
  EXPECT_EQ(append({record("later")}), Errc::storage_unavailable);
  EXPECT_EQ(metric("godwit_journal_writable"), 0);
  EXPECT_GE(metric("godwit_journal_failed_records_total"), 1);
}

TEST_F(JournalFaultTest, full_disk_refuses_until_there_is_space_again) {
  for (const int error : {ENOSPC, EFBIG, EDQUOT}) {
    options_.directory = directory_ + "/" + std::to_string(error);
    outcomes_.clear();
    appended_ = 0;
    FaultyDisk& disk = new_disk();
    open(Lsn(0), &disk);
    ASSERT_EQ(append_and_wait("first"), Errc::ok);
    ASSERT_TRUE(eventually([&] { return files("journal-").size() == 1 && files("spare-").size() == 2; }));
    disk.fill_fails_with(error);
    // Goes on until what was prepared is used up.
    Errc outcome = Errc::ok;
    for (int i = 0; i < 100 && outcome == Errc::ok; ++i) outcome = append_and_wait(std::string(10'000, 'x'));
    EXPECT_EQ(outcome, Errc::storage_unavailable);
    EXPECT_TRUE(eventually([&] { return !journal_->writable(); }));
    EXPECT_EQ(append({record("refused")}), Errc::storage_unavailable);
    const auto acknowledged = committed_payloads();
    EXPECT_GT(acknowledged.size(), 12u);

    disk.fill_fails_with(0);
    EXPECT_TRUE(eventually([&] { return journal_->writable(); }));
    ASSERT_EQ(append_and_wait("after"), Errc::ok);
    auto expected = acknowledged;
    expected.push_back("after");
    recover();
    EXPECT_EQ(replayed(), expected);
    for (std::size_t i = 0; i < replayed_.size(); ++i) EXPECT_EQ(replayed_[i]->lsn, Lsn(i + 1));
    close();
  }
}

// The disk is full in the middle of what is queued, and there is space again at once: what waited behind was
// decided on top of what failed.
TEST_F(JournalFaultTest, what_is_queued_behind_a_failure_fails_with_it_and_nothing_follows_until_undone) {
  FaultyDisk& disk = new_disk();
  open(Lsn(0), &disk);
  ASSERT_EQ(append_and_wait("first"), Errc::ok);
  ASSERT_TRUE(eventually([&] { return files("journal-").size() == 1 && files("spare-").size() == 2; }));
  int failures = 0;
  when_failed_ = [&] {
    ++failures;
    EXPECT_EQ(append({record("before it is undone")}), Errc::storage_unavailable);
    disk.fill_fails_with(0);
    EXPECT_TRUE(eventually([&] { return files("spare-").size() == 2; }));
  };
  disk.fill_fails_with(ENOSPC);
  // Twice as much as there is room for, so several blocks are behind the one that fails.
  const Journal::Batch batch = batch_of(40, std::string(10'000, 'x'));
  ASSERT_EQ(append(batch), Errc::ok);
  wait_settled();
  const auto acknowledged = committed_payloads();
  EXPECT_GT(acknowledged.size(), 12u);
  EXPECT_LT(acknowledged.size(), 30u);
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(metric("godwit_journal_queue_bytes"), 0);

  EXPECT_FALSE(journal_->writable());
  EXPECT_EQ(append({record("before it is undone")}), Errc::storage_unavailable);
  journal_->undone();
  EXPECT_TRUE(journal_->writable());
  EXPECT_EQ(metric("godwit_journal_writable"), 1);
  ASSERT_EQ(append_and_wait("after"), Errc::ok);
  auto expected = acknowledged;
  expected.push_back("after");
  recover();
  EXPECT_EQ(replayed(), expected);
  for (std::size_t i = 0; i < replayed_.size(); ++i) EXPECT_EQ(replayed_[i]->lsn, Lsn(i + 1));
}

TEST_F(JournalFaultTest, disk_nearly_full_refuses_until_there_is_space_again) {
  FaultyDisk& disk = new_disk();
  open(Lsn(0), &disk);
  ASSERT_EQ(append_and_wait("first"), Errc::ok);
  disk.set_free(options_.min_free_bytes - 1);
  ASSERT_TRUE(eventually([&] { return !journal_->writable(); }));
  EXPECT_EQ(append({record("refused")}), Errc::storage_unavailable);
  disk.set_free(options_.min_free_bytes * 2);
  ASSERT_TRUE(eventually([&] { return journal_->writable(); }));
  EXPECT_EQ(append_and_wait("second"), Errc::ok);
  recover();
  EXPECT_EQ(replayed(), (std::vector<std::string>{"first", "second"}));
}

TEST_F(JournalFaultTest, full_disk_at_the_start_is_no_obstacle_to_starting) {
  FaultyDisk& disk = new_disk();
  disk.fill_fails_with(ENOSPC);
  open(Lsn(0), &disk);
  EXPECT_TRUE(eventually([&] { return !journal_->writable(); }));
  disk.fill_fails_with(0);
  EXPECT_TRUE(eventually([&] { return journal_->writable(); }));
  EXPECT_EQ(append_and_wait("first"), Errc::ok);
}

TEST_F(JournalFaultTest, full_disk_is_asked_once_a_second_at_most) {
  FaultyDisk& disk = new_disk();
  disk.fill_fails_with(ENOSPC);
  open(Lsn(0), &disk);
  ASSERT_TRUE(eventually([&] { return !journal_->writable(); }));
  const int fills = disk.fills();
  const int checks = disk.space_checks();
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(1500)) {
    EXPECT_EQ(append({record("x")}), Errc::storage_unavailable);
    journal_->trim(Lsn(0));
  }
  EXPECT_LE(disk.fills() - fills, 2);
  EXPECT_LE(disk.space_checks() - checks, 4);
}

// Killed between its write and its sync: recovery has read the record, so it must be on the disk by then.
TEST_F(JournalFaultTest, record_read_by_recovery_survives_a_loss_of_power_after_it) {
  FaultyDisk& disk = new_disk();
  open(Lsn(0), &disk);
  ASSERT_EQ(append_and_wait("first"), Errc::ok);
  ASSERT_TRUE(eventually([&] { return files("journal-").size() == 1 && files("spare-").size() == 2; }));
  disk.fail_nth(2);  // the write passes, the sync does not
  ASSERT_EQ(append_and_wait("second"), Errc::storage_unavailable);
  EXPECT_EQ(disk.unsynced_writes(), 1u);
  close();
  recover();
  EXPECT_EQ(replayed(), (std::vector<std::string>{"first", "second"}));
  start();
  ASSERT_EQ(append_and_wait("third"), Errc::ok);
  recover();
  EXPECT_EQ(replayed(), (std::vector<std::string>{"first", "second", "third"}));
}

}  // namespace
}  // namespace godwit
