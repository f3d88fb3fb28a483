#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {

Report run_idle(Bench& bench) {
  const std::uint32_t count = bench.options.connections;
  Rig rig(bench);
  for (std::uint32_t i = 0; i < count; ++i) rig.add_idle(i);

  const Usage before = bench.fleet.server().sample();
  const std::int64_t ramp_from = steady_ns();
  rig.log_in_all();
  const std::int64_t ramp_ns = steady_ns() - ramp_from;
  const Usage ramped = bench.fleet.server().sample();
  const Window held = rig.measure("hold", bench.options.seconds, nullptr);

  Report report(bench.options, bench.seed);
  report["parameters"]["connections"] = count;
  report.set("logins_per_s", per_second(count, ramp_ns));
  report.set_latency("login", bench.fleet.login_latency());
  if (before.known && held.server_after.known) {
    const double grown =
        static_cast<double>(held.server_after.rss_bytes) - static_cast<double>(before.rss_bytes);
    report.set("server_rss_before_bytes", before.rss_bytes);
    report.set("server_rss_bytes_per_connection", grown / count);
    report.set("server_cpu_us_per_login", (ramped.cpu_s - before.cpu_s) * 1e6 / count);
    report.set("server_cpu_cores_idle", (held.server_after.cpu_s - held.server_before.cpu_s) *
                                            static_cast<double>(kNsPerSecond) / static_cast<double>(held.ns));
  }
  report.set_server(held.server_before, held.server_after, 0);
  report.set_generator(held.own_cpu_s, held.ns);
  report.fail_if("drops", bench.fleet.tally()[Counter::drops]);
  rig.report_verdict(report);
  return report;
}

}  // namespace godwit::bench
