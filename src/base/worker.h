// A worker: one thread, one io_context, and everything that the partitions it serves own.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/task.h"

namespace godwit {

// The Asio pool is N of these (docs/concurrency.md). Nothing on a worker takes a lock on the message
// path: whoever wants something of another worker posts a task to it.
//
// A worker runs in turns. A turn handles what is ready (at most kTurnHandlers handlers), then runs the
// end-of-turn hooks, which flush in batches what the turn has produced: output to sockets, records to the
// journal, tasks to other workers. So one system call serves many messages, without a timer.
//
// Life cycle: construct, add hooks, start(), stop() from any thread, destroy (joins).
// Bounds: the mailbox is not bounded by itself; each poster is (open requests per session, journal queue,
// reader queue), and its depth is visible by `mailbox_depth()`.
class Worker {
 public:
  static constexpr int kTurnHandlers = 128;

  explicit Worker(unsigned index);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  unsigned index() const { return index_; }
  boost::asio::io_context& context() { return context_; }

  void start();
  // Asks the thread to end after its present turn. Any thread; idempotent.
  void stop();
  void join();

  // Runs `task` on this worker, after what was posted before by the same thread. Any thread.
  // From a worker, tasks for another are kept until the end of the turn and handed over as one batch.
  void post(Task task);

  // Runs at the end of every turn, in order of registration. Before start() only.
  void add_end_of_turn(Task hook) { hooks_.push_back(std::move(hook)); }

  bool is_current() const { return current() == this; }
  // The worker whose thread this is, or null.
  static Worker* current();

  std::size_t mailbox_depth() const { return depth_.load(std::memory_order_relaxed); }

 private:
  struct Batch {
    Worker* target;
    std::vector<Task> tasks;
  };

  void run();
  void end_turn();
  void hand_over_outgoing();
  void hand_over(std::vector<Task> tasks);
  void drain_mailbox();

  // Constant after start().
  const unsigned index_;
  std::vector<Task> hooks_;
  // Owner thread only.
  boost::asio::io_context context_;
  std::vector<Batch> outgoing_;
  std::vector<Task> running_;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::vector<Task> mailbox_;
  std::atomic<std::size_t> depth_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace godwit
