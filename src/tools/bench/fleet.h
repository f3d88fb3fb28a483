// All shards of a run, and the one place where threads begin and end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/server_process.h"
#include "tools/bench/shard.h"

namespace godwit::bench {

// A scenario is a sequence of phases; in each, every shard works on its own thread, and the next begins when
// all are done. Between phases the caller may look at everything. Prints the progress line once a second.
class Fleet {
 public:
  Fleet(const Options& options, const Target& target, std::uint64_t seed);

  // Runs `work` on every shard and returns when all have finished. Rethrows what one of them threw.
  void run(const std::string& phase, const std::function<void(Shard&)>& work);

  std::uint32_t size() const { return static_cast<std::uint32_t>(shards_.size()); }
  Shard& shard(std::uint32_t index) { return *shards_[index]; }
  // Which shard serves the `n`th of whatever is divided among them.
  Shard& shard_of(std::uint64_t n) { return *shards_[n % shards_.size()]; }
  const ServerProcess& server() const { return server_; }

  Tally tally() const;
  // Not while a phase runs.
  Faults faults() const;
  std::uint64_t refused_logins() const;
  Histogram login_latency() const;
  Histogram hello_latency() const;

 private:
  void print_progress(const std::string& phase, const Tally& before, const Tally& now);

  const Options& options_;
  const ServerProcess server_;
  std::vector<std::unique_ptr<Shard>> shards_;
  const std::int64_t started_ns_;
  Usage last_usage_;
};

}  // namespace godwit::bench
