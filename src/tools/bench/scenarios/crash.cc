#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {

// The daemon is killed and started again by somebody else, as often as they like, as long as it is up at the
// end. Sessions come back by themselves, with the cursor of what they have received, and repeat what was not
// answered; they also repeat a few messages that were, whose answer must not change.
Report run_crash(Bench& bench) {
  const Options& options = bench.options;
  Rig rig(bench);
  rig.add_pairs(options.pairs, options.both);
  for (std::uint32_t i = 0; i < bench.fleet.size(); ++i) {
    Traffic& traffic = rig.traffic(bench.fleet.shard(i));
    traffic.keep_ledgers();
    traffic.refresh_on_reconnect();
  }
  rig.log_in_all();
  const double rate_per_shard = static_cast<double>(options.rate) / bench.fleet.size();
  const Window window =
      rig.measure("crash", options.seconds, [&](Traffic& traffic) { traffic.start_rate(rate_per_shard); });
  const Traffic::Latencies latencies = rig.latencies();
  rig.drain();
  rig.await_receipts();

  Report report(options, bench.seed);
  report["parameters"]["pairs"] = options.pairs;
  report.set("delivered_per_s", per_second(window.tally[Counter::delivered], window.ns));
  report.set("stored_per_s", per_second(window.tally[Counter::stored], window.ns));
  report.set_latency("delivery", latencies.delivery[0]);
  report.set_latency("sent", latencies.sent);
  report.set("drops", bench.fleet.tally()[Counter::drops]);
  rig.report_verdict(report);
  return report;
}

}  // namespace godwit::bench
