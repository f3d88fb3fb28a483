#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {
namespace {

// The shards share the rate equally.
void start(const Bench& bench, Traffic& traffic) {
  const Options& options = bench.options;
  if (options.rate > 0) {
    traffic.start_rate(static_cast<double>(options.rate) / bench.fleet.size());
  } else {
    traffic.start_window(options.window, options.window_on_sent);
  }
}

}  // namespace

Report run_pairs(Bench& bench) {
  Rig rig(bench);
  rig.add_pairs(bench.options.pairs, bench.options.both);
  rig.log_in_all();
  rig.run_for("warm-up", bench.options.warmup_s, [&](Traffic& traffic) { start(bench, traffic); });
  const Window window = rig.measure("measure", bench.options.seconds, nullptr);
  const Traffic::Latencies latencies = rig.latencies();
  rig.drain();
  rig.await_receipts();

  Report report(bench.options, bench.seed);
  report["parameters"]["pairs"] = bench.options.pairs;
  window.report(report);
  report.set_latency("delivery", latencies.delivery[0]);
  report.set_latency("sent", latencies.sent);
  report.fail_if("drops", bench.fleet.tally()[Counter::drops]);
  rig.report_verdict(report);
  return report;
}

}  // namespace godwit::bench
