// Checks of published keys, on the threads that read the store.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "base/metrics.h"
#include "storage/reader_pool.h"

namespace godwit {

// Checks of one request. Each call is on some reader; those of verify() may be at the same time.
class KeyVerification {
 public:
  virtual ~KeyVerification() = default;
  // What is quick. Returns into how many pieces the rest is cut, each of about a millisecond.
  virtual std::size_t prepare() = 0;
  virtual void verify(std::size_t piece) = 0;
  // After all pieces.
  virtual void finish() = 0;
};
using KeyVerificationPtr = std::shared_ptr<KeyVerification>;

// There is one for all workers. All readers check at a time, one piece each, and then what was to be read before the
// next one: so a read waits for a piece at most. What waits is bounded in bytes. First come, first served.
//
// Thread safe. Must outlive the verifications it was given: the reader pool stops first.
class VerifyQueue {
 public:
  VerifyQueue(ReaderPool& readers, std::size_t max_bytes, Metrics& metrics);

  // False, and nothing happens, when `bytes` more would exceed the bound.
  bool post(std::size_t bytes, KeyVerificationPtr verification);

 private:
  struct Job {
    KeyVerificationPtr verification;
    std::size_t bytes = 0;
    // The first is the preparation, which tells of the others.
    std::size_t pieces = 1;
    std::size_t next = 0;
    std::size_t done = 0;
  };

  // With the lock held.
  void start_runner();
  void run_next();

  ReaderPool& readers_;
  const std::size_t max_bytes_;
  Gauge& bytes_gauge_;
  std::mutex mutex_;  // guards the three below, and what the jobs count
  std::deque<std::shared_ptr<Job>> queue_;  // those with pieces that nobody has taken
  std::size_t bytes_ = 0;                   // of what waits or runs
  std::size_t running_ = 0;
};

}  // namespace godwit
