#include <algorithm>

#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {
namespace {

// Group 1 are the pairs whose recipient stalls: every `stride`th.
std::uint32_t stride_of(const Options& options) {
  return static_cast<std::uint32_t>(std::max(1.0, 100.0 / std::max(options.slow_percent, 0.001)));
}

void set_reading(Bench& bench, Rig& rig, bool on) {
  const std::uint32_t stride = stride_of(bench.options);
  for (std::uint32_t pair = 0; pair < bench.options.pairs; pair += stride) {
    // Pairs were dealt out in turn, two sessions each, the recipient being the second.
    Traffic& traffic = rig.traffic(bench.fleet.shard_of(pair));
    traffic.session(pair / bench.fleet.size() * 2 + 1).set_reading(on);
  }
}

}  // namespace

Report run_slow(Bench& bench) {
  const Options& options = bench.options;
  Rig rig(bench);
  rig.add_pairs(options.pairs, false, stride_of(options));
  rig.log_in_all();
  const double rate_per_shard = static_cast<double>(options.rate) / bench.fleet.size();
  rig.run_for("warm-up", options.warmup_s, [&](Traffic& traffic) { traffic.start_rate(rate_per_shard); });
  const Window before = rig.measure("all read", options.seconds, nullptr);
  const Traffic::Latencies baseline = rig.latencies();

  set_reading(bench, rig, false);
  const Window stalled = rig.measure("stall", options.stall_s, nullptr);
  const Traffic::Latencies during = rig.latencies();

  const std::int64_t resumed_at = steady_ns();
  set_reading(bench, rig, true);
  rig.drain();
  const std::int64_t recovery_ns = steady_ns() - resumed_at;
  rig.await_receipts();

  Report report(options, bench.seed);
  report["parameters"]["pairs"] = options.pairs;
  report["parameters"]["slow_percent"] = options.slow_percent;
  report["parameters"]["stall_s"] = options.stall_s;
  stalled.report(report);
  report.set("delivered_per_s_before", per_second(before.tally[Counter::delivered], before.ns));
  report.set_latency("others_before", baseline.delivery[0]);
  report.set_latency("others_during", during.delivery[0]);
  report.set_latency("sent_before", baseline.sent);
  report.set_latency("sent_during", during.sent);
  report.set("recovery_s", static_cast<double>(recovery_ns) / static_cast<double>(kNsPerSecond));
  report.set("drops", bench.fleet.tally()[Counter::drops]);
  rig.report_verdict(report);
  return report;
}

}  // namespace godwit::bench
