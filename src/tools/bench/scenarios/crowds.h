// A crowd in every shard, run through the phases that a measurement has.
#pragma once

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/bench/crowd.h"
#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {

// `Kind` is a Crowd, made with (Shard&).
template <class Kind>
class Crowds {
 public:
  explicit Crowds(Bench& bench) : bench_(bench) {
    for (std::uint32_t i = 0; i < bench.fleet.size(); ++i) crowds_.push_back(std::make_unique<Kind>(bench.fleet.shard(i)));
  }

  Kind& of(const Shard& shard) { return *crowds_[shard.index]; }
  const std::vector<std::unique_ptr<Kind>>& all() const { return crowds_; }

  // Accounts 2p and 2p + 1 become pair p, both in one shard.
  void add_pairs(std::uint32_t pairs) {
    for (std::uint32_t pair = 0; pair < pairs; ++pair) {
      Kind& crowd = of(bench_.fleet.shard_of(pair));
      for (const std::size_t number : {std::size_t{pair} * 2, std::size_t{pair} * 2 + 1}) {
        crowd.add(bench_.accounts[number], number);
      }
    }
  }

  void log_in() {
    std::atomic<bool> good = true;
    bench_.fleet.run("login", [&](Shard& shard) {
      if (!of(shard).log_in_all(kPatienceNs)) good = false;
    });
    if (good) return;
    std::string why = "not all could log in;";
    for (const auto& [name, count] : bench_.fleet.faults()) why += " " + name + " x" + std::to_string(count);
    throw std::runtime_error(why);
  }

  // A warm-up, then the measurement at the same rate, shared equally by the shards.
  Window measure(Rig& rig, double per_second) {
    bench_.fleet.run("warm-up", [&](Shard& shard) {
      if (per_second > 0) of(shard).start_rate(per_second / bench_.fleet.size());
      shard.loop.run_until(kNever, shard.loop.now() + to_ns(bench_.options.warmup_s));
    });
    for (const auto& crowd : crowds_) crowd->measuring = true;
    const Window window = rig.measure("measure", bench_.options.seconds, nullptr);
    for (const auto& crowd : crowds_) {
      crowd->measuring = false;
      crowd->stop();
    }
    return window;
  }

  // What is under way arrives, or has not within so long.
  void settle(double seconds) {
    bench_.fleet.run("settle", [&](Shard& shard) {
      shard.loop.run_until(kNever, shard.loop.refresh() + to_ns(seconds));
    });
  }

 private:
  static constexpr std::int64_t kPatienceNs = 30 * kNsPerSecond;

  Bench& bench_;
  std::vector<std::unique_ptr<Kind>> crowds_;
};

}  // namespace godwit::bench
