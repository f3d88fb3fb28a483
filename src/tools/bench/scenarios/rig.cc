#include "tools/bench/scenarios/rig.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace godwit::bench {
namespace {

// Logging in is given up when nobody gets in for so long.
constexpr double kLoginPatience = 30;
constexpr double kReceiptsWait = 3;

}  // namespace

Rig::Rig(Bench& bench) : bench_(bench) {
  // Payloads are marked by the run, not by the seed: a repeated seed must not take leftovers for its own.
  const std::uint64_t run = Random(bench.seed ^ static_cast<std::uint64_t>(steady_ns())).next();
  for (std::uint32_t i = 0; i < bench.fleet.size(); ++i) {
    traffics_.push_back(std::make_unique<Traffic>(bench.fleet.shard(i), run, bench.options.payload));
  }
}

std::uint32_t Rig::add_session(std::uint64_t slot, std::size_t number) {
  return traffic(bench_.fleet.shard_of(slot)).add_session(bench_.accounts[number], number);
}

void Rig::add_pairs(std::uint32_t pairs, bool both, std::uint32_t stride) {
  for (std::uint32_t pair = 0; pair < pairs; ++pair) {
    const std::size_t first = std::size_t{pair} * 2;
    const std::uint32_t a = add_session(pair, first);
    const std::uint32_t b = add_session(pair, first + 1);
    Traffic& traffic_here = traffic(bench_.fleet.shard_of(pair));
    const std::uint32_t group = stride != 0 && pair % stride == 0 ? 1 : 0;
    traffic_here.connect(a, b, group);
    if (both) traffic_here.connect(b, a, group);
  }
}

void Rig::add_idle(std::size_t number) {
  add_session(number, number);
}

void Rig::log_in_all(bool until_caught_up) {
  bench_.fleet.run("login", [&](Shard& shard) {
    Traffic& own = traffic(shard);
    for (std::uint32_t tag = 0; tag < own.session_count(); ++tag) shard.logins.add(own.session(tag));
    const auto done = [&] {
      return shard.logins.settled() && (!until_caught_up || shard.logins.refused() > 0 ||
                                        own.caught_up_sessions() >= own.session_count());
    };
    std::uint64_t seen = UINT64_MAX;
    while (!shard.loop.run_until(done, shard.loop.refresh() + to_ns(kLoginPatience))) {
      const Tally now = shard.counters.tally();
      const std::uint64_t progress = now[Counter::logins] + now[Counter::foreign] + own.caught_up_sessions();
      if (progress == seen) return;
      seen = progress;
    }
  });
  std::uint64_t sessions = 0;
  std::uint64_t caught_up = 0;
  for (const auto& own : traffics_) {
    sessions += own->session_count();
    caught_up += own->caught_up_sessions();
  }
  const Tally tally = bench_.fleet.tally();
  if (tally[Counter::live] == sessions && (!until_caught_up || caught_up >= sessions)) return;
  std::string why = std::to_string(tally[Counter::live]) + " of " + std::to_string(sessions) +
                    " sessions logged in, " + std::to_string(caught_up) + " caught up;";
  for (const auto& [name, count] : bench_.fleet.faults()) why += " " + name + " x" + std::to_string(count);
  throw std::runtime_error(why);
}

void Rig::run_for(const char* phase, double seconds, const std::function<void(Traffic&)>& start) {
  bench_.fleet.run(phase, [&](Shard& shard) {
    shard.loop.refresh();
    if (start) start(traffic(shard));
    shard.loop.run_until(kNever, shard.loop.now() + to_ns(seconds));
  });
}

Window Rig::measure(const char* phase, double seconds, const std::function<void(Traffic&)>& start) {
  for (const auto& own : traffics_) own->latencies = {};
  Window window;
  window.server_before = bench_.fleet.server().sample();
  window.own_cpu_s = -own_cpu_s();
  window.ns = -steady_ns();
  const Tally before = bench_.fleet.tally();
  run_for(phase, seconds, start);
  window.tally = bench_.fleet.tally() - before;
  window.ns += steady_ns();
  window.own_cpu_s += own_cpu_s();
  window.server_after = bench_.fleet.server().sample();
  return window;
}

void Rig::drain() {
  for (const auto& own : traffics_) own->measuring = false;
  bench_.fleet.run("drain", [&](Shard& shard) {
    Traffic& own = traffic(shard);
    own.stop();
    const std::int64_t deadline = shard.loop.refresh() + to_ns(bench_.options.drain_s);
    shard.loop.run_until([&] { return own.drained(); }, deadline);
  });
}

void Rig::await_receipts() {
  bench_.fleet.run("receipts", [&](Shard& shard) {
    Traffic& own = traffic(shard);
    shard.loop.run_until([&] { return own.receipts_behind() == 0; },
                         shard.loop.refresh() + to_ns(kReceiptsWait));
  });
}

void Rig::report_verdict(Report& report, bool all_delivered) const {
  std::uint64_t lost = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t behind = 0;
  for (const auto& own : traffics_) {
    if (all_delivered) lost += own->lost();
    unanswered += own->unanswered();
    behind += own->receipts_behind();
  }
  report.set("receipts_behind", behind);
  report.fail_if("unanswered", unanswered);
  report.set_verdict(bench_.fleet.tally(), bench_.fleet.faults(), lost);
}

Traffic::Latencies Rig::latencies() const {
  Traffic::Latencies sum;
  for (const auto& own : traffics_) {
    for (int group : {0, 1}) sum.delivery[group].merge(own->latencies.delivery[group]);
    sum.sent.merge(own->latencies.sent);
    sum.first_envelope.merge(own->latencies.first_envelope);
    sum.first_page.merge(own->latencies.first_page);
  }
  return sum;
}

void Window::report(Report& report) const {
  report.set("delivered_per_s", per_second(tally[Counter::delivered], ns));
  report.set("stored_per_s", per_second(tally[Counter::stored], ns));
  report.set_bytes(tally);
  report.set_server(server_before, server_after, std::max(tally[Counter::delivered], tally[Counter::stored]));
  report.set_generator(own_cpu_s, ns);
}

}  // namespace godwit::bench
