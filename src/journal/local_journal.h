// The journal on the local disk: one thread turns all that arrived during the last sync into the next write.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "godwit/journal.h"
#include "journal/disk_calls.h"
#include "journal/segment.h"
#include "journal/segment_pool.h"
#include "journal/segment_writer.h"

namespace godwit {

struct LocalJournalOptions {
  // Created when missing, mode 0700; used by one process at a time.
  std::string directory;
  // False: a batch counts as committed once the kernel has it. It survives the end of the process, but a
  // loss of power takes the last seconds with it.
  bool sync = true;
  // Size of a file, at least 64 KiB. On disk there are the segments since the last checkpoint and up to
  // SegmentPool::kMaxSpares more.
  std::uint64_t segment_bytes = 64ULL << 20;
  // Records that wait or are being written; append() answers `overloaded` beyond it.
  std::uint64_t queue_bytes = 64ULL << 20;
  // A commit begins no sooner than this after the one before, unless kFullBatch records wait: at middling load
  // it is the hand-over between threads that costs, per commit, not per record. 0: at once.
  std::uint32_t commit_interval_us = 0;
  // With less free space than this, append() answers `storage_unavailable`.
  std::uint64_t min_free_bytes = 256ULL << 20;
};

// Life cycle: construct, recover(), start(), then append() and trim() from any thread, stop().
//
// Faults: after a write or sync that failed, nobody knows what the disk has: nothing is accepted any more
// until the process starts again and recovers. A disk that is full before anything was written only means
// `storage_unavailable` until there is space again; that is checked once a second. In both cases what is queued
// fails, too, and append() refuses at least until undone().
class LocalJournal final : public Journal {
 public:
  // Throws std::runtime_error with a sentence: directory not writable or in use by another process.
  LocalJournal(const LocalJournalOptions& options, Metrics& metrics, DiskCalls disk = DiskCalls::real());
  ~LocalJournal() override;
  LocalJournal(const LocalJournal&) = delete;
  LocalJournal& operator=(const LocalJournal&) = delete;

  void recover(Lsn from, const Replay& replay) override;
  void start(Sink sink) override;
  // Encodes the bodies on the calling thread. `too_large` when a record does not fit in a segment.
  Errc append(const Batch& records) override;
  void undone() override;
  void trim(Lsn upto) override;
  void seal() override;
  bool writable() const override;
  std::uint64_t incarnation() const override { return incarnation_; }
  Lsn committed() const override { return Lsn(committed_.load(std::memory_order_acquire)); }
  void stop() override;

 private:
  struct Probe;
  // What one block holds: records [begin, end) of taken_.
  struct Slice {
    std::size_t begin;
    std::size_t end;
    std::uint64_t block_bytes;
    std::uint64_t queue_bytes;
  };

  void run();
  bool take();
  Slice next_slice(std::size_t begin) const;
  bool commit(const Slice& slice);
  bool open_segment(Lsn first);
  void settle(const Slice& slice);
  void fail_from(std::size_t begin);

  // Constant after start().
  const LocalJournalOptions options_;
  const DiskCalls disk_;
  const std::uint64_t max_block_bytes_;
  Fd lock_;
  const std::uint64_t incarnation_;
  Sink sink_;
  std::unique_ptr<Probe> probe_;

  SegmentPool pool_;
  std::vector<SegmentPool::Live> recovered_;
  std::vector<std::string> unused_;

  static constexpr std::size_t kFullBatch = 256;

  // Committer only.
  std::chrono::steady_clock::time_point last_commit_;
  SegmentWriter writer_;
  Batch taken_;

  std::atomic<std::uint64_t> committed_{0};  // written by the committer
  std::atomic<bool> seal_{false};            // the next commit begins a file
  std::atomic<bool> failed_{false};          // a write failed: for good
  std::atomic<bool> undoing_{false};         // between a failed batch and undone(); set under mutex_
  std::atomic<bool> accepting_{false};       // between start() and stop()

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  Batch queue_;
  std::uint64_t queued_bytes_ = 0;  // of queue_ and taken_
  bool committer_waits_ = false;    // only then does append() pay for a wake-up
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace godwit
