#include "journal/local_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "base/thread.h"
#include "journal/block.h"
#include "journal/incarnation.h"
#include "journal/recovery.h"
#include "storage/record.h"

namespace godwit {
namespace {

// More in one write only makes those wait who come after it.
constexpr std::uint64_t kMaxBlockBytes = 8ULL << 20;
constexpr std::uint64_t kMinSegmentBytes = 64ULL << 10;
// What a waiting record takes besides its bytes, about.
constexpr std::uint64_t kRecordOverhead = 64;

// Of a sync: most take 0.1 to 0.5 ms here.
constexpr std::array kSyncBuckets = {0.00005, 0.0001, 0.00015, 0.0002, 0.0003, 0.0005, 0.001, 0.002,
                                     0.005,   0.01,   0.025,   0.05,   0.1,    0.5,    1.0,   5.0};

Fd open_directory(const std::string& directory) {
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error("cannot open the journal in " + directory + ": " + why);
  };
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    refuse(std::string("it cannot be created (") + std::strerror(errno) + ")");
  }
  const std::string path = directory + "/LOCK";
  Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) refuse(std::string("it is not writable (") + std::strerror(errno) + ")");
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) refuse("it is in use by another process");
  return lock;
}

LocalJournalOptions checked(LocalJournalOptions options) {
  options.segment_bytes = std::max(options.segment_bytes, kMinSegmentBytes) / kPageBytes * kPageBytes;
  return options;
}

std::uint64_t queue_cost(const Record& record) {
  return record.encoded.size() + kRecordOverhead;
}

}  // namespace

struct LocalJournal::Probe {
  explicit Probe(Metrics& m)
      : queue_bytes(m.gauge("godwit_journal_queue_bytes", "Bytes of records that wait to be committed.")),
        queue_limit(m.gauge("godwit_journal_queue_limit_bytes", "Bound of the queue.")),
        writable(m.gauge("godwit_journal_writable", "1 when records are accepted, else 0.")),
        segments(m.gauge("godwit_journal_segments", "Files in use.")),
        overloaded(m.counter("godwit_journal_refused_total", "Appends refused.", {{"reason", "overloaded"}})),
        unavailable(
            m.counter("godwit_journal_refused_total", "Appends refused.", {{"reason", "unavailable"}})),
        batches(m.counter("godwit_journal_batches_total", "Batches committed.")),
        records(m.counter("godwit_journal_records_total", "Records committed.")),
        bytes(m.counter("godwit_journal_bytes_total", "Bytes committed.")),
        failed_records(
            m.counter("godwit_journal_failed_records_total", "Records that could not be committed.")),
        batch_records(m.histogram("godwit_journal_batch_records", "Records in one batch.", kBatchBuckets)),
        commit_seconds(
            m.histogram("godwit_journal_commit_seconds", "Time to write and sync a batch.", kSyncBuckets)) {}
  Gauge& queue_bytes;
  Gauge& queue_limit;
  Gauge& writable;
  Gauge& segments;
  Counter& overloaded;
  Counter& unavailable;
  Counter& batches;
  Counter& records;
  Counter& bytes;
  Counter& failed_records;
  Histogram& batch_records;
  Histogram& commit_seconds;
};

LocalJournal::LocalJournal(const LocalJournalOptions& options, Metrics& metrics, DiskCalls disk)
    : options_(checked(options)),
      disk_(std::move(disk)),
      max_block_bytes_(std::min(kMaxBlockBytes, SegmentWriter::capacity(options_.segment_bytes))),
      lock_(open_directory(options_.directory)),
      incarnation_(load_incarnation(options_.directory)),
      probe_(std::make_unique<Probe>(metrics)),
      pool_(disk_, {options_.directory, options_.segment_bytes, options_.min_free_bytes, options_.sync}),
      writer_(disk_, options_.segment_bytes, options_.sync) {
  init_crypto();
  probe_->queue_limit.Set(static_cast<double>(options_.queue_bytes));
}

LocalJournal::~LocalJournal() {
  stop();
}

void LocalJournal::recover(Lsn from, const Replay& replay) {
  RecoveredLog log = recover_log(options_.directory, from, replay);
  committed_ = log.last.value;
  recovered_ = std::move(log.live);
  unused_ = std::move(log.unused);
}

void LocalJournal::start(Sink sink) {
  if (!options_.sync) {
    log_warning("journal_sync_off",
                {{"risk", "a loss of power takes acknowledged messages of the last seconds"}});
  }
  sink_ = std::move(sink);
  pool_.start(std::move(recovered_), std::move(unused_));
  accepting_ = true;
  probe_->writable.Set(1);
  thread_ = std::thread([this] { run(); });
}

Errc LocalJournal::append(const Batch& records) {
  if (!writable()) {
    probe_->writable.Set(0);
    probe_->unavailable.Increment();
    return Errc::storage_unavailable;
  }
  std::uint64_t bytes = 0;
  for (const auto& record : records) {
    if (record->encoded.empty()) record->body.SerializeToString(&record->encoded);
    if (kBlockHeaderBytes + framed_bytes(record->encoded.size()) > max_block_bytes_) return Errc::too_large;
    bytes += queue_cost(*record);
  }
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    // Again: what failed since was taken out of the queue under this lock, and nothing may follow it.
    if (stopping_ || undoing_) return Errc::storage_unavailable;
    if (queued_bytes_ > 0 && queued_bytes_ + bytes > options_.queue_bytes) {
      probe_->overloaded.Increment();
      return Errc::overloaded;
    }
    queue_.insert(queue_.end(), records.begin(), records.end());
    queued_bytes_ += bytes;
    wake = committer_waits_;
  }
  if (wake) wake_.notify_one();
  return Errc::ok;
}

// The acknowledgement path. While one block is synced, the next one queues up; nobody waits for a timer.
void LocalJournal::run() {
  begin_responsive_thread("journal");
  while (take()) {
    for (std::size_t begin = 0; begin < taken_.size();) {
      const Slice slice = next_slice(begin);
      if (!commit(slice)) {
        fail_from(begin);
        break;
      }
      settle(slice);
      const auto first = taken_.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = taken_.begin() + static_cast<std::ptrdiff_t>(slice.end);
      sink_(Batch(std::make_move_iterator(first), std::make_move_iterator(last)), Errc::ok);
      begin = slice.end;
    }
    taken_.clear();
  }
}

// Everything that is queued. False when there is nothing and there will be nothing.
bool LocalJournal::take() {
  std::unique_lock lock(mutex_);
  while (queue_.empty()) {
    if (stopping_) return false;
    committer_waits_ = true;
    wake_.wait(lock);
    committer_waits_ = false;
  }
  // No notification ends this wait but that of stop(); what arrives meanwhile just joins the batch.
  const auto next = last_commit_ + std::chrono::microseconds(options_.commit_interval_us);
  if (queue_.size() < kFullBatch && !stopping_) wake_.wait_until(lock, next, [this] { return stopping_; });
  last_commit_ = std::chrono::steady_clock::now();
  taken_.swap(queue_);
  return true;
}

LocalJournal::Slice LocalJournal::next_slice(std::size_t begin) const {
  Slice slice{begin, begin, kBlockHeaderBytes, 0};
  for (; slice.end < taken_.size(); ++slice.end) {
    const Record& record = *taken_[slice.end];
    const std::uint64_t bytes = framed_bytes(record.encoded.size());
    if (slice.block_bytes + bytes > max_block_bytes_) break;
    slice.block_bytes += bytes;
    slice.queue_bytes += queue_cost(record);
  }
  return slice;
}

// One block, one write, one sync: all of it is durable then, or none of it counts.
bool LocalJournal::commit(const Slice& slice) {
  if (failed_) return false;
  const Lsn first(committed_ + 1);
  const bool sealed = seal_.exchange(false);
  const bool fresh = sealed || !writer_.fits(slice.block_bytes);
  if (fresh && !open_segment(first)) {
    if (sealed) seal_ = true;
    return false;
  }

  BlockBuilder block(writer_.pages(), first, writer_.header().seed);
  for (std::size_t i = slice.begin; i < slice.end; ++i) {
    taken_[i]->lsn = Lsn(first.value + (i - slice.begin));
    block.add(taken_[i]->encoded);
  }
  block.finish();

  const auto begin = std::chrono::steady_clock::now();
  if (!writer_.flush()) {
    log_error("journal_write_failed", {{"error", std::strerror(errno)}, {"lsn", first}});
    failed_ = true;
    return false;
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  probe_->commit_seconds.Observe(taken.count());
  committed_.store(first.value + (slice.end - slice.begin) - 1, std::memory_order_release);
  if (fresh) pool_.first_block_written();
  return true;
}

// A file that was prepared; the header goes out with the first block. False when the disk is full: nothing
// was written then.
bool LocalJournal::open_segment(Lsn first) {
  auto file = pool_.take(first);
  if (!file) return false;
  writer_.open(std::move(*file), {first, random_u64(), !options_.sync});
  return true;
}

void LocalJournal::settle(const Slice& slice) {
  const auto count = static_cast<double>(slice.end - slice.begin);
  probe_->batches.Increment();
  probe_->records.Increment(count);
  probe_->bytes.Increment(static_cast<double>(slice.block_bytes));
  probe_->batch_records.Observe(count);
  for (std::size_t i = slice.begin; i < slice.end; ++i) std::string().swap(taken_[i]->encoded);
  std::uint64_t left = 0;
  {
    std::lock_guard lock(mutex_);
    queued_bytes_ -= slice.queue_bytes;
    left = queued_bytes_;
  }
  probe_->queue_bytes.Set(static_cast<double>(left));
  probe_->segments.Set(static_cast<double>(pool_.live_count()));
  probe_->writable.Set(writable() ? 1 : 0);
}

// What waits behind was decided on top of it: a later position of the same chat, say. Committed, it would leave a
// hole. So it fails as well, and so does what the workers decide before they have taken all of this back.
void LocalJournal::fail_from(std::size_t begin) {
  const auto first = taken_.begin() + static_cast<std::ptrdiff_t>(begin);
  Batch failed(std::make_move_iterator(first), std::make_move_iterator(taken_.end()));
  {
    std::lock_guard lock(mutex_);
    undoing_ = true;
    failed.insert(failed.end(), std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
    queue_.clear();
    queued_bytes_ = 0;
  }
  for (const auto& record : failed) std::string().swap(record->encoded);
  probe_->failed_records.Increment(static_cast<double>(failed.size()));
  probe_->queue_bytes.Set(0);
  probe_->writable.Set(0);
  sink_(std::move(failed), Errc::storage_unavailable);
}

void LocalJournal::undone() {
  undoing_ = false;
  probe_->writable.Set(writable() ? 1 : 0);
}

void LocalJournal::trim(Lsn upto) {
  pool_.trim(upto);
}

void LocalJournal::seal() {
  pool_.discard_before(Lsn(committed_.load(std::memory_order_acquire) + 1));
  seal_ = true;
  // A record that says nothing makes sure that there is a next commit.
  auto record = std::make_shared<Record>();
  record->body.set_time_ms(1);
  (void)append({std::move(record)});
}

bool LocalJournal::writable() const {
  return accepting_ && !failed_ && !undoing_ && pool_.has_space();
}

void LocalJournal::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    accepting_ = false;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  pool_.stop();
}

}  // namespace godwit
