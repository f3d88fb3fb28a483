#include <atomic>
#include <future>
#include <sstream>
#include <thread>

#include "base/log.h"
#include "journal_fixture.h"

namespace godwit {
namespace {

using LocalJournalTest = JournalFixture;

TEST_F(LocalJournalTest, committed_records_are_replayed_in_order_with_their_positions) {
  open();
  for (int i = 1; i <= 50; ++i) ASSERT_EQ(append_and_wait("m" + std::to_string(i)), Errc::ok);
  EXPECT_EQ(journal_->committed(), Lsn(50));
  recover();
  ASSERT_EQ(replayed_.size(), 50u);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(replayed_[i]->lsn, Lsn(i + 1));
    EXPECT_EQ(replayed_[i]->body.message().envelope(), "m" + std::to_string(i + 1));
  }
  EXPECT_EQ(journal_->committed(), Lsn(50));
}

TEST_F(LocalJournalTest, positions_go_on_after_every_restart) {
  for (std::uint64_t round = 1; round <= 5; ++round) {
    open();
    ASSERT_EQ(append_and_wait("round " + std::to_string(round)), Errc::ok);
    EXPECT_EQ(journal_->committed(), Lsn(round));
  }
  recover();
  EXPECT_EQ(replayed(), (std::vector<std::string>{"round 1", "round 2", "round 3", "round 4", "round 5"}));
}

TEST_F(LocalJournalTest, replay_begins_after_the_position_asked_for) {
  open();
  for (int i = 1; i <= 10; ++i) ASSERT_EQ(append_and_wait(std::to_string(i)), Errc::ok);
  recover(Lsn(8));
  EXPECT_EQ(replayed(), (std::vector<std::string>{"9", "10"}));
  recover(Lsn(10));
  EXPECT_TRUE(replayed().empty());
}

TEST_F(LocalJournalTest, records_over_many_segments_are_replayed_and_encodings_released) {
  open();
  const std::string payload(3000, 'x');
  for (int i = 0; i < 40; ++i) {
    const auto batch = batch_of(10, payload);
    ASSERT_EQ(append(batch), Errc::ok);
    wait_settled();
    for (const auto& r : batch) EXPECT_TRUE(r->encoded.empty());
  }
  EXPECT_GT(files("journal-").size(), 10u);
  recover();
  ASSERT_EQ(replayed_.size(), 400u);
  for (const auto& r : replayed_) EXPECT_EQ(r->body.message().envelope(), payload);
}

TEST_F(LocalJournalTest, batch_larger_than_a_segment_is_cut_into_blocks) {
  open();
  ASSERT_EQ(append(batch_of(100, std::string(2000, 'x'))), Errc::ok);
  wait_settled();
  EXPECT_EQ(metric("godwit_journal_records_total"), 100);
  EXPECT_GE(metric("godwit_journal_batches_total"), 4);
  recover();
  EXPECT_EQ(replayed_.size(), 100u);
}

TEST_F(LocalJournalTest, record_that_fits_no_segment_is_refused_and_the_next_accepted) {
  open();
  EXPECT_EQ(append({record("small"), record(std::string(64 << 10, 'x'))}), Errc::too_large);
  EXPECT_EQ(append_and_wait("next"), Errc::ok);
  recover();
  EXPECT_EQ(replayed(), std::vector<std::string>{"next"});
}

TEST_F(LocalJournalTest, record_of_the_largest_request_fits_a_block) {
  options_.segment_bytes = 64 << 20;
  options_.queue_bytes = 64 << 20;
  open();
  // The maximum of net.max_frame_bytes, and 192 KiB beside it.
  EXPECT_EQ(append({record("small"), record(std::string(8126464 + (192 << 10), 'x'))}), Errc::ok);
  EXPECT_EQ(append({record(std::string(8 << 20, 'x'))}), Errc::too_large);
}

TEST_F(LocalJournalTest, order_of_each_caller_is_kept) {
  options_.segment_bytes = 1 << 20;
  open();
  constexpr int kThreads = 4;
  constexpr int kBatches = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kBatches; ++i) {
        const std::string name = std::to_string(t) + " ";
        const Journal::Batch batch = {record(name + std::to_string(2 * i)),
                                      record(name + std::to_string(2 * i + 1))};
        while (journal_->append(batch) != Errc::ok) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  appended_ = kThreads * kBatches * 2;
  wait_settled();
  recover();
  ASSERT_EQ(replayed_.size(), appended_);
  std::vector<int> next(kThreads, 0);
  for (const auto& payload : replayed()) {
    std::istringstream in(payload);
    int thread = 0;
    int number = 0;
    in >> thread >> number;
    ASSERT_EQ(number, next[thread]++);
  }
  EXPECT_EQ(committed_payloads(), replayed());
}

TEST_F(LocalJournalTest, queue_beyond_its_bound_is_refused_whole_and_accepted_again_later) {
  options_.queue_bytes = 10'000;
  recover();
  std::promise<void> blocked;
  std::promise<void> go;
  std::atomic<int> settled{0};
  journal_->start([&](Journal::Batch batch, Errc) {
    if (settled == 0) {
      blocked.set_value();
      go.get_future().wait();
    }
    settled += static_cast<int>(batch.size());
  });
  ASSERT_EQ(journal_->append({record("first")}), Errc::ok);
  blocked.get_future().wait();
  ASSERT_EQ(journal_->append(batch_of(9, std::string(1000, 'x'))), Errc::ok);
  EXPECT_EQ(journal_->append(batch_of(2, std::string(1000, 'x'))), Errc::overloaded);
  EXPECT_EQ(metric("godwit_journal_refused_total{reason=\"overloaded\"}"), 1);
  EXPECT_EQ(metric("godwit_journal_queue_limit_bytes"), 10'000);
  go.set_value();
  EXPECT_TRUE(eventually([&] { return settled == 10; }));
  EXPECT_EQ(journal_->append(batch_of(2, std::string(1000, 'x'))), Errc::ok);
  recover();
  EXPECT_EQ(replayed_.size(), 12u);
}

TEST_F(LocalJournalTest, batch_beyond_the_bound_is_accepted_when_nothing_waits) {
  options_.queue_bytes = 1000;
  open();
  EXPECT_EQ(append(batch_of(5, std::string(1000, 'x'))), Errc::ok);
  wait_settled();
}

TEST_F(LocalJournalTest, trimmed_segments_are_used_again_and_stay_few) {
  open();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(append(batch_of(5, std::string(4000, 'x'))), Errc::ok);
    wait_settled();
    journal_->trim(Lsn(journal_->committed().value - 5));
  }
  EXPECT_TRUE(eventually([&] { return files("").size() <= 4 + SegmentPool::kMaxSpares; }));
  const Lsn applied(journal_->committed().value - 5);
  recover(applied);
  EXPECT_EQ(replayed_.size(), 5u);
  EXPECT_EQ(replayed_.front()->lsn, Lsn(applied.value + 1));
  EXPECT_NE(recover_error(), "") << "the first records are gone";
}

TEST_F(LocalJournalTest, stop_commits_what_was_appended_and_refuses_the_rest) {
  open();
  ASSERT_EQ(append(batch_of(100, "x")), Errc::ok);
  journal_->stop();
  journal_->stop();
  EXPECT_EQ(journal_->committed(), Lsn(100));
  EXPECT_EQ(committed_payloads().size(), 100u);
  EXPECT_FALSE(journal_->writable());
  EXPECT_EQ(append({record("late")}), Errc::storage_unavailable);
}

TEST_F(LocalJournalTest, directory_in_use_is_refused) {
  open();
  Metrics other;
  EXPECT_THROW(LocalJournal(options_, other), std::runtime_error);
  close();
  EXPECT_NO_THROW(LocalJournal(options_, other));
}

TEST_F(LocalJournalTest, directory_that_cannot_be_made_is_refused_with_a_sentence) {
  write_file(directory_ + "/file", "x");
  options_.directory = directory_ + "/file/journal";
  const std::string message = recover_error();
  EXPECT_NE(message.find("cannot open the journal in"), std::string::npos) << message;
}

TEST_F(LocalJournalTest, sync_off_says_what_it_risks_and_syncs_nothing_on_the_path) {
  std::ostringstream log;
  init_logging_for_test(LogLevel::info, LogFormat::json, log);
  FaultyDisk& disk = new_disk();
  options_.sync = false;
  open(Lsn(0), &disk);
  ASSERT_EQ(append_and_wait("first, with the new segment"), Errc::ok);
  EXPECT_TRUE(eventually([&] { return files("journal-").size() == 1; }));
  const int syncs = disk.syncs();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(append_and_wait("x"), Errc::ok);
  EXPECT_EQ(disk.syncs(), syncs);
  close();
  EXPECT_NE(log.str().find("journal_sync_off"), std::string::npos);
  EXPECT_NE(log.str().find("a loss of power"), std::string::npos);
  init_logging(LogLevel::info, LogFormat::automatic);
  recover();
  EXPECT_EQ(replayed_.size(), 21u);
}

TEST_F(LocalJournalTest, every_batch_is_synced_once) {
  FaultyDisk& disk = new_disk();
  open(Lsn(0), &disk);
  ASSERT_EQ(append_and_wait("first"), Errc::ok);
  const int syncs = disk.syncs();
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(append(batch_of(10, "x")), Errc::ok);
    wait_settled();
  }
  EXPECT_EQ(disk.syncs() - syncs, 20);
}

TEST_F(LocalJournalTest, work_is_counted_by_metrics) {
  open();
  ASSERT_EQ(append(batch_of(10, "x")), Errc::ok);
  wait_settled();
  EXPECT_EQ(metric("godwit_journal_records_total"), 10);
  EXPECT_EQ(metric("godwit_journal_batches_total"), 1);
  EXPECT_GT(metric("godwit_journal_bytes_total"), 10);
  EXPECT_EQ(metric("godwit_journal_batch_records_sum"), 10);
  EXPECT_EQ(metric("godwit_journal_commit_seconds_count"), 1);
  EXPECT_EQ(metric("godwit_journal_queue_bytes"), 0);
  EXPECT_EQ(metric("godwit_journal_segments"), 1);
  EXPECT_EQ(metric("godwit_journal_writable"), 1);
}

}  // namespace
}  // namespace godwit
