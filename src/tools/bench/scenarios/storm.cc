#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {

Report run_storm(Bench& bench) {
  const std::uint32_t count = bench.options.connections;
  Rig rig(bench);
  for (std::uint32_t i = 0; i < count; ++i) {
    rig.add_idle(i);
    if (bench.options.refresh) {
      Traffic& traffic = rig.traffic(bench.fleet.shard_of(i));
      traffic.session(traffic.session_count() - 1).refresh_at_next_login();
    }
  }
  const Usage before = bench.fleet.server().sample();
  const double own_before = own_cpu_s();
  const std::int64_t from = steady_ns();
  rig.log_in_all(false);
  const std::int64_t ns = steady_ns() - from;
  const Usage after = bench.fleet.server().sample();

  Report report(bench.options, bench.seed);
  report["parameters"]["connections"] = count;
  report["parameters"]["concurrency"] = bench.options.concurrency;
  report["parameters"]["refresh"] = bench.options.refresh;
  report.set("logins_per_s", per_second(count, ns));
  report.set("seconds_until_all_are_in", static_cast<double>(ns) / static_cast<double>(kNsPerSecond));
  // From the first connection attempt, and from Hello alone.
  report.set_latency("login", bench.fleet.login_latency());
  report.set_latency("hello", bench.fleet.hello_latency());
  report.set_server(before, after, count);
  report.set_generator(own_cpu_s() - own_before, ns);
  report.fail_if("drops", bench.fleet.tally()[Counter::drops]);
  rig.report_verdict(report);
  return report;
}

}  // namespace godwit::bench
