// Signature checks of published keys, on the threads that read the store.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

#include "base/metrics.h"
#include "base/task.h"
#include "storage/reader_pool.h"

namespace godwit {

// There is one for all workers. At most half of the readers check at a time, so that reads go on; with a single reader
// that one does, a request at a time, and reads wait for it. What waits is bounded in bytes.
//
// Thread safe. Must outlive the tasks it was given: the reader pool stops first.
class VerifyQueue {
 public:
  VerifyQueue(ReaderPool& readers, std::size_t max_bytes, Metrics& metrics);

  // False, and nothing happens, when `bytes` more would exceed the bound.
  bool post(std::size_t bytes, Task task);

 private:
  void run_next();

  ReaderPool& readers_;
  const std::size_t max_running_;
  const std::size_t max_bytes_;
  Gauge& bytes_gauge_;
  std::mutex mutex_;  // guards the three below
  std::deque<std::pair<std::size_t, Task>> queue_;
  std::size_t bytes_ = 0;  // of what waits or runs
  std::size_t running_ = 0;
};

}  // namespace godwit
