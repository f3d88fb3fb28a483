#include "storage/reader_pool.h"

#include <utility>

namespace godwit {

ReaderPool::ReaderPool(unsigned threads, Metrics& metrics)
    : depth_(metrics.gauge("godwit_store_reads_waiting", "Store reads that wait for a reader thread.")) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ReaderPool::~ReaderPool() {
  stop();
}

void ReaderPool::post(Task task) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    depth_.Set(static_cast<double>(queue_.size()));
    wake = idle_ > 0;
  }
  if (wake) ready_.notify_one();
}

void ReaderPool::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ReaderPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (queue_.empty()) {
      if (stopping_) return;
      ++idle_;
      ready_.wait(lock);
      --idle_;
    }
    Task task = std::move(queue_.front());
    queue_.pop_front();
    depth_.Set(static_cast<double>(queue_.size()));
    lock.unlock();
    task();
    task = Task();
    lock.lock();
  }
}

}  // namespace godwit
