// What the scenarios have in common: sessions spread over the shards, logged in, watched, summed up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tools/bench/scenarios/scenario.h"
#include "tools/bench/traffic.h"

namespace godwit::bench {

// What was measured between two moments.
struct Window {
  std::int64_t ns = 0;
  Tally tally;
  Usage server_before;
  Usage server_after;
  double own_cpu_s = 0;

  // Rates, bytes and CPU of this window into the report.
  void report(Report& report) const;
};

class Rig {
 public:
  explicit Rig(Bench& bench);

  Traffic& traffic(const Shard& shard) { return *traffics_[shard.index]; }
  // Accounts 2p and 2p + 1 become pair p; one in `stride` of them is of group 1, none when it is 0.
  void add_pairs(std::uint32_t pairs, bool both, std::uint32_t stride = 0);
  // One session without lanes; account and session have the same number.
  void add_idle(std::size_t number);
  // A session for the account of this number, in the shard that serves `slot`; returns its tag there.
  std::uint32_t add_session(std::uint64_t slot, std::size_t number);

  // Logs every session in and waits until each has caught up. Throws std::runtime_error when one cannot.
  void log_in_all(bool until_caught_up = true);
  // Runs `start` on every shard and then its loop for so long.
  void run_for(const char* phase, double seconds, const std::function<void(Traffic&)>& start);
  // Like run_for with latencies cleared before, and everything measured.
  Window measure(const char* phase, double seconds, const std::function<void(Traffic&)>& start);
  // Stops sending and waits for what is under way.
  void drain();
  // Gives the receipts of what has been delivered a moment to come.
  void await_receipts();
  // Loss, doubles, faults of the whole run; what is unanswered or behind. Without `all_delivered` what has
  // not arrived is no loss.
  void report_verdict(Report& report, bool all_delivered = true) const;

  Traffic::Latencies latencies() const;

 private:
  Bench& bench_;
  std::vector<std::unique_ptr<Traffic>> traffics_;
};

// Nobody: for run_until() with a deadline alone.
inline constexpr auto kNever = [] { return false; };

inline std::int64_t to_ns(double seconds) {
  return static_cast<std::int64_t>(seconds * static_cast<double>(kNsPerSecond));
}

}  // namespace godwit::bench
