// One worker's share of a NetServer: its connections, their readiness, deadlines and end-of-turn output.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/task.h"
#include "base/worker.h"
#include "net/connection.h"
#include "net/poller.h"
#include "net/server_context.h"
#include "net/timing_wheel.h"

namespace godwit::net {

// Constructed before the worker starts, since it adds an end-of-turn hook; destroyed after the worker's
// thread has ended, and before the Worker. Everything but take_over() and open_connections() is for the
// worker's thread alone.
class Shard {
 public:
  // A read takes at most this into the scratch buffer; what a message left unfinished goes before it.
  static constexpr std::size_t kReadBytes = 256 * 1024;
  static constexpr std::size_t kMaxCarriedBytes = 4 * 1024;

  Shard(ServerContext& context, Worker& worker);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  ServerContext& context() { return context_; }
  Worker& worker() { return worker_; }
  Poller& poller() { return poller_; }
  TrafficTally& tally() { return tally_; }
  std::uint32_t now() const { return wheel_.now(); }
  // Rounded up, and one more, since the present tick has begun already.
  std::uint32_t to_ticks(std::uint32_t milliseconds) const;
  // Where to read to: kMaxCarriedBytes + kReadBytes. Valid until the poll handler returns.
  std::span<char> scratch();

  // Takes over a new connection, or one that has left another shard. Any thread. It becomes ours by a task of
  // its own, so not before the turn of the calling worker has ended: until then that may still look at it.
  void take_over(std::unique_ptr<Connection> connection);
  // Takes a connection out, so that another shard can take it over.
  std::unique_ptr<Connection> remove(Connection& connection);
  // The same server's shard on another of its workers.
  Shard& sibling(Worker& worker);

  void schedule(Connection& connection) { wheel_.schedule(connection); }
  // flush() at the end of this turn; once each.
  void add_dirty(Connection& connection) { dirty_.push_back(&connection); }
  // run_deferred() in a turn to come; once each.
  void add_deferred(Connection& connection);
  // Ends and frees it; only from run_deferred().
  void destroy(Connection& connection);

  // Ends every connection, and those which are still on their way here.
  void close_all(CloseReason reason);
  std::size_t open_connections() const { return open_.load(std::memory_order_relaxed); }

  // Output buffers are lent: an idle connection holds none, and a busy one needs no allocation each turn.
  std::string take_buffer();
  void give_buffer(std::string buffer);
  // Where messages go that are written after close().
  std::string& discard();

 private:
  void adopt(Connection* key);
  void end_turn();
  void run_deferred();
  void wait_tick();
  void tick();

  // Constant after construction.
  ServerContext& context_;
  Worker& worker_;
  // Owner thread only.
  Poller poller_;
  TimingWheel<Connection> wheel_;
  boost::asio::steady_timer timer_;
  std::vector<Connection*> dirty_;
  std::vector<Connection*> flushing_;
  std::vector<Connection*> deferred_;
  std::vector<Connection*> running_;
  std::vector<std::string> spare_buffers_;
  std::string discard_;
  std::unique_ptr<char[]> scratch_;
  TrafficTally tally_;
  std::optional<CloseReason> closing_all_;  // what close_all() said
  std::atomic<std::size_t> open_{0};
  // Guarded by arrivals_mutex_: connections that were posted and have not been adopted.
  std::mutex arrivals_mutex_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> arrivals_;
};

}  // namespace godwit::net
