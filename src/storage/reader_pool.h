// The threads that read the store, so that a worker never waits for a disk.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/task.h"

namespace godwit {

// Bounded by its posters: a session has one read under way, and a row load stands for all who wait for the
// row. Depth is a metric. stop() finishes what was posted; nothing may be posted after it. A task must not
// throw: what cannot be read ends the process (see Store).
class ReaderPool {
 public:
  ReaderPool(unsigned threads, Metrics& metrics);
  ~ReaderPool();
  void post(Task task);
  void stop();
  std::size_t threads() const { return threads_.size(); }

 private:
  void run();

  Gauge& depth_;
  std::mutex mutex_;  // guards the four below
  std::condition_variable ready_;
  std::deque<Task> queue_;
  unsigned idle_ = 0;  // threads that wait on ready_: without one, posting needs no system call
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace godwit
