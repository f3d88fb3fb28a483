#include "keys/verify_queue.h"

#include <algorithm>

namespace godwit {

VerifyQueue::VerifyQueue(ReaderPool& readers, std::size_t max_bytes, Metrics& metrics)
    : readers_(readers),
      max_running_(std::max<std::size_t>(1, readers.threads() / 2)),
      max_bytes_(max_bytes),
      bytes_gauge_(metrics.gauge("godwit_keys_verify_bytes", "Published keys whose signatures are checked or wait for it, in bytes")) {}

bool VerifyQueue::post(std::size_t bytes, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (bytes_ + bytes > max_bytes_) return false;
    bytes_ += bytes;
    bytes_gauge_.Set(static_cast<double>(bytes_));
    queue_.emplace_back(bytes, std::move(task));
    if (running_ >= max_running_) return true;
    ++running_;
  }
  readers_.post([this] { run_next(); });
  return true;
}

// One task, then behind what else the readers have to do.
void VerifyQueue::run_next() {
  std::unique_lock lock(mutex_);
  auto [bytes, task] = std::move(queue_.front());
  queue_.pop_front();
  lock.unlock();
  task();
  task = Task();
  lock.lock();
  bytes_ -= bytes;
  bytes_gauge_.Set(static_cast<double>(bytes_));
  if (queue_.empty()) {
    --running_;
    return;
  }
  lock.unlock();
  readers_.post([this] { run_next(); });
}

}  // namespace godwit
