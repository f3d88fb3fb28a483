// Materialises the tails into the store at bounded intervals, so that recovery is short and memory bounded.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "godwit/clock.h"
#include "godwit/journal.h"
#include "router/router.h"

namespace godwit {

struct CheckpointOptions {
  std::int64_t interval_ms = 2'000;          // with changes, at least this often
  std::uint64_t bytes = 64ULL * 1024 * 1024;  // of new records, at the latest
};

// A checkpoint is fuzzy: it begins at a journal position, collects each changed row whenever its worker gets
// to it, and each row says which record was the last applied to it. Replay begins at the position and skips
// per row what the row has (cf. ARIES). So no worker ever waits for another or for the disk.
//
// One thread. A checkpoint that the disk refuses changes nothing and is tried again.
class Checkpointer {
 public:
  Checkpointer(Router& router, Store& store, Journal& journal, const CheckpointOptions& options, Metrics& metrics);
  ~Checkpointer();

  void start();
  // A last checkpoint, then no more. The workers must still run. Idempotent.
  void stop();
  // A checkpoint now; true when it is in the store. Not from a Worker's thread, which it would wait for.
  bool run_once();
  // Runs `job` on the checkpointer's thread, soon; not at all when it is stopping. Any thread.
  void post(std::function<void()> job);

 private:
  void run();
  CheckpointRows collect();
  void finish(bool ok);

  Router& router_;
  Store& store_;
  Journal& journal_;
  const CheckpointOptions options_;
  Counter& done_;
  Counter& failed_;
  std::mutex running_;  // one checkpoint at a time
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool started_ = false;
  std::vector<std::function<void()>> jobs_;
  std::thread thread_;
};

}  // namespace godwit
