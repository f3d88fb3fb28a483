#include <algorithm>
#include <atomic>
#include <vector>

#include "godwit.pb.h"
#include "tools/bench/scenarios/crowds.h"

namespace godwit::bench {
namespace {

// The storm of logins and watches is over when nobody was told anything for so long.
constexpr double kCalm = 5;

// What all shards know.
struct Watch {
  std::vector<UserId> users;
  std::uint32_t watched = 0;  // by each
  std::vector<std::atomic<std::int64_t>> changed_ns;  // by user, when they changed last
  std::unordered_map<std::uint64_t, std::uint32_t> index;
};

// Everybody watches some others; now and then one becomes idle, or is there again.
class Watchers final : public Crowd {
 public:
  using Crowd::Crowd;
  Watch* watch = nullptr;

  Histogram latency;  // from the change to each watcher's news of it; gathering included
  std::uint64_t updates = 0;
  std::uint64_t frames = 0;
  std::uint64_t snapshots = 0;

  void add_user(Account& account, std::size_t number) {
    add(account, number);
    numbers_.push_back(static_cast<std::uint32_t>(number));
    idle_.push_back(false);
  }

 private:
  void on_live(Session& session) override { start_watching(session); }

  // One after the other in a ring, so that everybody is watched equally often.
  void start_watching(Session& session) {
    v1::ClientFrame frame;
    frame.set_request_id(3);
    const std::size_t count = watch->users.size();
    for (std::uint32_t i = 1; i <= watch->watched; ++i) {
      // Spread out: neighbours would be of the same few shards.
      frame.mutable_watch_presence()->add_add(watch->users[(numbers_[session.tag] + i * 97ULL) % count].value);
    }
    session.request(frame);
  }

  void act(std::int64_t due_ns) override {
    const auto tag = static_cast<std::uint32_t>(shard_.random.next() % size());
    idle_[tag] = !idle_[tag];
    watch->changed_ns[numbers_[tag]].store(due_ns, std::memory_order_relaxed);
    v1::ClientFrame frame;
    frame.mutable_set_presence()->set_state(idle_[tag] ? v1::IDLE : v1::ONLINE);
    session(tag).request(frame);
  }

  void on_reply(Session&, const v1::ServerFrame& frame) override {
    if (!frame.has_presences()) return;
    if (frame.request_id() != 0) {
      ++snapshots;
      return;
    }
    ++frames;
    updates += static_cast<std::uint64_t>(frame.presences().presences_size());
    if (!measuring) return;
    for (const v1::Presence& presence : frame.presences().presences()) {
      const auto user = watch->index.find(presence.user_id());
      const std::int64_t changed =
          user == watch->index.end() ? 0 : watch->changed_ns[user->second].load(std::memory_order_relaxed);
      if (changed != 0) latency.record(ns_since(changed));
    }
  }

  std::vector<std::uint32_t> numbers_;  // by tag
  std::vector<bool> idle_;
};

struct Sums {
  std::uint64_t updates = 0;
  std::uint64_t frames = 0;
  std::uint64_t snapshots = 0;
};

Sums sums_of(const Crowds<Watchers>& crowds) {
  Sums sums;
  for (const auto& own : crowds.all()) {
    sums.updates += own->updates;
    sums.frames += own->frames;
    sums.snapshots += own->snapshots;
  }
  return sums;
}

double cores(const Usage& before, const Usage& after, std::int64_t ns) {
  return (after.cpu_s - before.cpu_s) * static_cast<double>(kNsPerSecond) / static_cast<double>(ns);
}

// Everybody logs in and watches at once, as after a restart, and is told of those who come later.
void storm(Bench& bench, Crowds<Watchers>& crowds, Report& report) {
  const ServerProcess& server = bench.fleet.server();
  const Usage before = server.sample();
  const std::int64_t from = steady_ns();
  crowds.log_in();
  const std::int64_t logged_in = steady_ns();
  std::int64_t quiet_since = logged_in;
  std::uint64_t updates = 0;
  while (steady_ns() - quiet_since < to_ns(kCalm)) {
    crowds.settle(1);
    const std::uint64_t now = sums_of(crowds).updates;
    if (now != updates) quiet_since = steady_ns();
    updates = now;
  }
  const Usage after = server.sample();
  const std::uint64_t watches = std::uint64_t{bench.options.connections} * bench.options.watched;
  report.set("logins_per_s", per_second(bench.options.connections, logged_in - from));
  report.set("watches", watches);
  report.set("storm_seconds", static_cast<double>(quiet_since - from) / kNsPerSecond);
  report.set("storm_updates", updates);
  report.set("storm_frames", sums_of(crowds).frames);
  if (!before.known || !after.known) return;
  report.set("storm_server_cpu_s", after.cpu_s - before.cpu_s);
  report.set("server_bytes_per_user", (static_cast<double>(after.rss_bytes) - static_cast<double>(before.rss_bytes)) /
                                          bench.options.connections);
}

}  // namespace

Report run_presence(Bench& bench) {
  const Options& options = bench.options;
  Watch watch;
  watch.watched = options.watched;
  watch.changed_ns = std::vector<std::atomic<std::int64_t>>(options.connections);
  Rig rig(bench);
  Crowds<Watchers> crowds(bench);
  for (std::uint32_t i = 0; i < options.connections; ++i) {
    watch.users.push_back(bench.accounts[i].user);
    watch.index[bench.accounts[i].user.value] = i;
    crowds.of(bench.fleet.shard_of(i)).add_user(bench.accounts[i], i);
  }
  for (const auto& own : crowds.all()) own->watch = &watch;

  Report report(options, bench.seed);
  report["parameters"]["connections"] = options.connections;
  report["parameters"]["watched"] = options.watched;
  report["parameters"]["changing_percent_per_s"] = options.changing_percent;
  storm(bench, crowds, report);
  const Window still = rig.measure("still", options.seconds, nullptr);
  const double rate = options.connections * options.changing_percent / 100;
  const Sums before = sums_of(crowds);
  const Window window = crowds.measure(rig, rate);
  const Sums after = sums_of(crowds);
  Histogram latency;
  for (const auto& own : crowds.all()) latency.merge(own->latency);

  const double seconds = static_cast<double>(window.ns) / kNsPerSecond + options.warmup_s;
  const double updates_per_s = static_cast<double>(after.updates - before.updates) / seconds;
  report.set("changes_per_s", rate);
  report.set("updates_per_s", updates_per_s);
  report.set("frames_per_s", static_cast<double>(after.frames - before.frames) / seconds);
  report.set_latency("change_to_watcher", latency);
  if (window.server_before.known && still.server_before.known) {
    const double idle = cores(still.server_before, still.server_after, still.ns);
    const double busy = cores(window.server_before, window.server_after, window.ns);
    report.set("server_cpu_cores_idle", idle);
    report.set("server_cpu_cores_for_presence", busy - idle);
    if (updates_per_s > 0) report.set("server_cpu_us_per_update", (busy - idle) * 1e6 / updates_per_s);
  }
  report.set_server(window.server_before, window.server_after, after.updates - before.updates);
  report.set_generator(window.own_cpu_s, window.ns);
  report.fail_if("snapshots_missing", options.connections - std::min<std::uint64_t>(options.connections, after.snapshots));
  if (after.updates == before.updates) report.fail("no watcher was told of a change");
  report.fail_if("drops", bench.fleet.tally()[Counter::drops]);
  return report;
}

}  // namespace godwit::bench
