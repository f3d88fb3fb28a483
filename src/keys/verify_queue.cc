#include "keys/verify_queue.h"

#include <utility>

namespace godwit {

VerifyQueue::VerifyQueue(ReaderPool& readers, std::size_t max_bytes, Metrics& metrics)
    : readers_(readers),
      max_bytes_(max_bytes),
      bytes_gauge_(metrics.gauge("godwit_keys_verify_bytes", "Published keys whose signatures are checked or wait for it, in bytes")) {}

bool VerifyQueue::post(std::size_t bytes, KeyVerificationPtr verification) {
  auto job = std::make_shared<Job>();
  job->verification = std::move(verification);
  job->bytes = bytes;
  const std::lock_guard lock(mutex_);
  if (bytes_ + bytes > max_bytes_) return false;
  bytes_ += bytes;
  bytes_gauge_.Set(static_cast<double>(bytes_));
  queue_.push_back(std::move(job));
  start_runner();
  return true;
}

// A runner that leaves work behind starts the next one, until each reader has one.
void VerifyQueue::start_runner() {
  if (queue_.empty() || running_ >= readers_.threads()) return;
  ++running_;
  readers_.post([this] { run_next(); });
}

// One piece, then behind what else the readers have to do.
void VerifyQueue::run_next() {
  std::unique_lock lock(mutex_);
  if (queue_.empty()) {
    --running_;
    return;
  }
  const std::shared_ptr<Job> job = queue_.front();
  const std::size_t piece = job->next++;
  if (job->next == job->pieces) queue_.pop_front();
  start_runner();
  lock.unlock();
  std::size_t more = 0;
  if (piece == 0) {
    more = job->verification->prepare();
  } else {
    job->verification->verify(piece - 1);
  }
  lock.lock();
  if (more != 0) {
    job->pieces += more;
    queue_.push_front(job);
  }
  if (++job->done == job->pieces) {
    lock.unlock();
    job->verification->finish();
    lock.lock();
    bytes_ -= job->bytes;
    bytes_gauge_.Set(static_cast<double>(bytes_));
  }
  --running_;
  start_runner();
}

}  // namespace godwit
