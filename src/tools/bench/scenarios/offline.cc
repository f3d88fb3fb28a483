#include <algorithm>

#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {
namespace {

// Accounts 0 to senders - 1 send, the next `users` are absent. Recipients are dealt out to the shards and,
// within a shard, to its senders.
class Offline {
 public:
  explicit Offline(Bench& bench) : bench_(bench), options_(bench.options), rig_(bench) {
    const std::uint32_t shards = bench.fleet.size();
    senders_per_shard_ = std::max(options_.senders / shards, 1U);
    std::size_t account = 0;
    for (std::uint32_t i = 0; i < senders_per_shard_ * shards; ++i) rig_.add_session(i, account++);
    for (std::uint32_t user = 0; user < options_.users; ++user) {
      const std::uint32_t recipient = rig_.add_session(user, account++);
      rig_.traffic(bench.fleet.shard_of(user)).connect(user / shards % senders_per_shard_, recipient);
    }
  }

  void store(Report& report);
  void drain(Report& report);
  Rig& rig() { return rig_; }

 private:
  // Logs in these sessions of the shard and lets them read until nothing is missing.
  void read(Shard& shard, std::uint32_t first_tag, std::uint32_t last_tag);
  // A few recipients come while nothing else goes on; what they wait for is the server alone.
  void sample_first_page(Report& report);

  Bench& bench_;
  const Options& options_;
  Rig rig_;
  std::uint32_t senders_per_shard_ = 1;
  std::uint32_t sampled_ = 0;  // recipients of shard 0 that have drained already
};

void Offline::store(Report& report) {
  bench_.fleet.run("login", [&](Shard& shard) {
    for (std::uint32_t tag = 0; tag < senders_per_shard_; ++tag)
      shard.logins.add(rig_.traffic(shard).session(tag));
    shard.loop.run_until([&] { return shard.logins.settled(); },
                         shard.loop.refresh() + to_ns(options_.drain_s));
  });
  const Usage server_before = bench_.fleet.server().sample();
  const Tally before = bench_.fleet.tally();
  const double own_before = own_cpu_s();
  const std::int64_t from = steady_ns();
  bench_.fleet.run("store", [&](Shard& shard) {
    Traffic& traffic = rig_.traffic(shard);
    shard.loop.refresh();
    const std::uint64_t share = options_.messages / bench_.fleet.size();
    traffic.start_window(options_.window, true,
                         shard.index == 0 ? options_.messages - share * (bench_.fleet.size() - 1) : share);
    // As long as it takes, while there is progress.
    std::uint64_t stored = 0;
    while (!shard.loop.run_until([&] { return traffic.all_stored(); },
                                 shard.loop.now() + to_ns(options_.drain_s))) {
      const std::uint64_t now_stored = shard.counters.tally()[Counter::stored];
      if (now_stored == stored) break;
      stored = now_stored;
    }
    traffic.stop();
  });
  const std::int64_t ns = steady_ns() - from;
  const Tally stored = bench_.fleet.tally() - before;
  report.set("stored_per_s", per_second(stored[Counter::stored], ns));
  report.set_bytes(stored);
  report.set_server(server_before, bench_.fleet.server().sample(), stored[Counter::stored]);
  report.set_generator(own_cpu_s() - own_before, ns);
  report.set_latency("sent", rig_.latencies().sent);
}

void Offline::read(Shard& shard, std::uint32_t first_tag, std::uint32_t last_tag) {
  Traffic& traffic = rig_.traffic(shard);
  const std::uint32_t wanted = traffic.caught_up_sessions() + (last_tag - first_tag);
  for (std::uint32_t tag = first_tag; tag < last_tag; ++tag) shard.logins.add(traffic.session(tag));
  std::uint64_t delivered = 0;
  while (!shard.loop.run_until([&] { return traffic.caught_up_sessions() >= wanted; },
                               shard.loop.refresh() + to_ns(options_.drain_s))) {
    const std::uint64_t now_delivered = shard.counters.tally()[Counter::delivered];
    if (now_delivered == delivered) return;
    delivered = now_delivered;
  }
}

void Offline::sample_first_page(Report& report) {
  const std::uint32_t recipients = rig_.traffic(bench_.fleet.shard(0)).session_count() - senders_per_shard_;
  sampled_ = std::min(options_.samples, recipients / 2);
  bench_.fleet.run("1st page", [&](Shard& shard) {
    if (shard.index != 0) return;
    for (std::uint32_t i = 0; i < sampled_; ++i)
      read(shard, senders_per_shard_ + i, senders_per_shard_ + i + 1);
  });
  const Traffic::Latencies latencies = rig_.latencies();
  report.set_latency("first_envelope", latencies.first_envelope);
  report.set_latency("first_page_of_50", latencies.first_page);
}

void Offline::drain(Report& report) {
  sample_first_page(report);
  const Usage server_before = bench_.fleet.server().sample();
  const Tally before = bench_.fleet.tally();
  const double own_before = own_cpu_s();
  const std::int64_t from = steady_ns();
  bench_.fleet.run("drain", [&](Shard& shard) {
    const std::uint32_t first = senders_per_shard_ + (shard.index == 0 ? sampled_ : 0);
    read(shard, first, rig_.traffic(shard).session_count());
  });
  const std::int64_t ns = steady_ns() - from;
  const Usage server_after = bench_.fleet.server().sample();
  const Tally drained = bench_.fleet.tally() - before;
  report.set("drained_per_s", per_second(drained[Counter::delivered], ns));
  report.set("drain_login_p50_ms", static_cast<double>(bench_.fleet.hello_latency().percentile(0.5)) / 1e6);
  if (server_before.known && server_after.known && drained[Counter::delivered] > 0) {
    report.set("drain_server_cpu_s_per_million", (server_after.cpu_s - server_before.cpu_s) * 1e6 /
                                                     static_cast<double>(drained[Counter::delivered]));
  }
  report.set("drain_generator_cpu_s", own_cpu_s() - own_before);
  // The store phase has set the bytes of its own frames.
  const auto each = [&](Counter bytes) {
    return static_cast<double>(drained[bytes]) /
           static_cast<double>(std::max<std::uint64_t>(drained[Counter::delivered], 1));
  };
  report["bytes_per_message"]["deliver"] = each(Counter::deliver_bytes);
  report["bytes_per_message"]["ack"] = each(Counter::ack_bytes);
}

}  // namespace

Report run_offline(Bench& bench) {
  const Options& options = bench.options;
  Offline offline(bench);
  Report report(options, bench.seed);
  report["parameters"]["users"] = options.users;
  report["parameters"]["senders"] = options.senders;
  report["parameters"]["messages"] = options.messages;
  report["parameters"]["phase"] = options.phase;
  if (options.phase != "drain") offline.store(report);
  if (options.phase == "drain") {
    for (std::uint32_t i = 0; i < bench.fleet.size(); ++i)
      offline.rig().traffic(bench.fleet.shard(i)).adopt_foreign();
  }
  if (options.phase != "store") {
    offline.drain(report);
    offline.rig().await_receipts();
  }
  report.fail_if("drops", bench.fleet.tally()[Counter::drops]);
  offline.rig().report_verdict(report, options.phase != "store");
  return report;
}

}  // namespace godwit::bench
