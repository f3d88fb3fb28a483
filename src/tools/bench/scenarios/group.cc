#include <atomic>
#include <cmath>
#include <stdexcept>
#include <string>

#include "tools/bench/group_traffic.h"
#include "tools/bench/requester.h"
#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {
namespace {

// Members that one request adds.
constexpr std::uint32_t kBatch = 1000;
// Logging in is given up when nobody gets in for so long.
constexpr std::int64_t kLoginPatienceNs = 30 * kNsPerSecond;
// For the last ReceiptCounts, which are coalesced.
constexpr double kReceiptsWait = 3;

// Accounts: first two for each pair beside the group, then the members, of whom the first `online` log in.
// Member 0 owns the group. Lanes are dealt out to the shards.
class GroupBench {
 public:
  explicit GroupBench(Bench& bench);

  void set_up();
  void log_in();
  Report run();

 private:
  void start(Shard& shard);
  void drain();
  void await_receipts();
  void report_figures(Report& report, const Window& window);
  void report_verdict(Report& report);
  Account& member(std::uint32_t lane) { return bench_.accounts[first_member_ + lane]; }
  std::uint32_t recipients() const { return online_ - 1; }
  std::uint64_t sum(std::uint64_t (GroupTraffic::*count)() const) const {
    std::uint64_t total = 0;
    for (const auto& own : groups_) total += ((*own).*count)();
    return total;
  }

  Bench& bench_;
  const Options& options_;
  Rig rig_;  // the pairs beside
  std::size_t first_member_ = 0;
  std::uint32_t online_ = 0;
  GroupFacts facts_;
  Requester owner_;
  std::vector<std::unique_ptr<GroupTraffic>> groups_;  // by shard
  GroupLog log_;                                       // of all, at the end
  std::uint64_t contradictions_ = 0;
  std::int64_t from_ns_ = 0;
  std::int64_t to_ns_ = 0;
  std::uint64_t received_ = 0;  // in the measurement
  std::uint64_t stored_ = 0;
};

GroupBench::GroupBench(Bench& bench)
    : bench_(bench),
      options_(bench.options),
      rig_(bench),
      first_member_(std::size_t{options_.beside_pairs} * 2),
      online_(online_members(options_)),
      owner_(bench.fleet.shard(0), bench.accounts[first_member_], first_member_) {
  rig_.add_pairs(options_.beside_pairs, false);
  facts_.run = Random(bench.seed ^ static_cast<std::uint64_t>(steady_ns())).next();
  for (std::uint32_t lane = 0; lane < online_; ++lane) facts_.online.push_back(member(lane).user);
  for (std::uint32_t i = 0; i < bench.fleet.size(); ++i) {
    groups_.push_back(std::make_unique<GroupTraffic>(bench.fleet.shard(i), facts_, options_.payload));
  }
  for (std::uint32_t lane = 0; lane < online_; ++lane) {
    groups_[lane % bench.fleet.size()]->add_member(member(lane), first_member_ + lane, lane);
  }
}

void GroupBench::set_up() {
  bench_.fleet.run("set up", [&](Shard& shard) {
    if (shard.index != 0) return;
    owner_.log_in();
    v1::ClientFrame create;
    create.mutable_create_group()->set_id(shard.make_message_id().str());
    create.mutable_create_group()->set_name("bench");
    const v1::ServerFrame made = owner_.call(create);
    if (made.group_changed().chat().size() != 16) throw std::runtime_error("CreateGroup was not answered so");
    facts_.chat = ChatId::from(made.group_changed().chat());
    for (std::uint32_t lane = 1; lane < options_.members; lane += kBatch) {
      v1::ClientFrame add;
      v1::ChangeGroup& change = *add.mutable_change_group();
      change.set_id(shard.make_message_id().str());
      change.set_chat(facts_.chat.str());
      for (std::uint32_t i = lane; i < std::min(lane + kBatch, options_.members); ++i) {
        change.add_add(member(i).user.value);
      }
      const v1::ServerFrame changed = owner_.call(add);
      if (changed.group_changed().not_added_size() > 0) {
        throw std::runtime_error(std::to_string(changed.group_changed().not_added_size()) +
                                 " members were not added");
      }
    }
    owner_.log_out();
  });
}

void GroupBench::log_in() {
  if (options_.beside_pairs > 0) rig_.log_in_all();
  std::atomic<bool> good = true;
  bench_.fleet.run("login", [&](Shard& shard) {
    if (!groups_[shard.index]->log_in_all(kLoginPatienceNs)) good = false;
  });
  if (good) return;
  std::string why = "not all members could log in;";
  for (const auto& [name, count] : bench_.fleet.faults()) why += " " + name + " x" + std::to_string(count);
  throw std::runtime_error(why);
}

// The shards share rate and window equally.
void GroupBench::start(Shard& shard) {
  GroupTraffic& group = *groups_[shard.index];
  if (options_.rate > 0) {
    group.start_rate(static_cast<double>(options_.rate) / bench_.fleet.size());
  } else {
    group.start_window(std::max(options_.window / bench_.fleet.size(), 1U));
  }
  if (options_.beside_pairs > 0) {
    rig_.traffic(shard).start_rate(static_cast<double>(options_.pair_rate) / bench_.fleet.size());
  }
}

// First until every message is answered; then it is known how many everybody must get.
void GroupBench::drain() {
  rig_.drain();
  const auto deadline = [&](Shard& shard) { return shard.loop.refresh() + to_ns(options_.drain_s); };
  bench_.fleet.run("drain", [&](Shard& shard) {
    GroupTraffic& group = *groups_[shard.index];
    group.measuring = false;
    group.stop();
    shard.loop.run_until([&] { return group.all_answered(); }, deadline(shard));
  });
  const std::uint64_t stored = sum(&GroupTraffic::stored);
  bench_.fleet.run("drain", [&](Shard& shard) {
    GroupTraffic& group = *groups_[shard.index];
    const std::uint64_t expected = stored * group.members() - group.stored();
    shard.loop.run_until([&] { return group.received() >= expected; }, deadline(shard));
  });
}

void GroupBench::await_receipts() {
  bench_.fleet.run("receipts", [&](Shard& shard) {
    shard.loop.run_until(kNever, shard.loop.refresh() + to_ns(kReceiptsWait));
  });
  if (options_.beside_pairs > 0) rig_.await_receipts();
}

Report GroupBench::run() {
  bench_.fleet.run("warm-up", [&](Shard& shard) {
    start(shard);
    shard.loop.run_until(kNever, shard.loop.now() + to_ns(options_.warmup_s));
  });
  for (const auto& own : groups_) own->latencies = {};
  received_ = sum(&GroupTraffic::received);
  stored_ = sum(&GroupTraffic::stored);
  from_ns_ = steady_ns();
  const Window window = rig_.measure("measure", options_.seconds, nullptr);
  to_ns_ = steady_ns();
  received_ = sum(&GroupTraffic::received) - received_;
  stored_ = sum(&GroupTraffic::stored) - stored_;
  GroupTraffic::Latencies latencies;
  for (const auto& own : groups_) {
    latencies.delivery.merge(own->latencies.delivery);
    latencies.sent.merge(own->latencies.sent);
  }
  const Traffic::Latencies beside = rig_.latencies();
  drain();
  await_receipts();
  for (const auto& own : groups_) contradictions_ += log_.merge(own->log());

  Report report(options_, bench_.seed);
  report_figures(report, window);
  report.set_latency("delivery", latencies.delivery);
  report.set_latency("last_delivery", log_.last_delivery(from_ns_, to_ns_, recipients()));
  report.set_latency("sent", latencies.sent);
  if (options_.beside_pairs > 0) {
    report.set_latency("beside_delivery", beside.delivery[0]);
    report.set_latency("beside_sent", beside.sent);
  }
  report_verdict(report);
  return report;
}

void GroupBench::report_figures(Report& report, const Window& window) {
  auto& parameters = report["parameters"];
  parameters["members"] = options_.members;
  parameters["online"] = online_;
  parameters["beside_pairs"] = options_.beside_pairs;
  parameters["pair_rate"] = options_.beside_pairs > 0 ? options_.pair_rate : 0;
  report.set("deliveries_per_s", per_second(received_, window.ns));
  report.set("messages_per_s", per_second(stored_, window.ns));
  report.set("inbox_entries_per_s", per_second(stored_ * options_.members, window.ns));
  if (stored_ > 0) {
    const auto each = [&](Counter counter) {
      return static_cast<double>(window.tally[counter]) / static_cast<double>(stored_);
    };
    report.set("receipt_pushes_per_message", each(Counter::receipt_pushes));
    report.set("receipt_bytes_per_message", each(Counter::receipt_bytes));
  }
  // Pairs beside the group share these counters.
  if (options_.beside_pairs == 0) report.set_bytes(window.tally);
  report.set_server(window.server_before, window.server_after, received_);
  if (window.server_before.known && window.server_after.known && stored_ > 0) {
    report.set("server_cpu_ms_per_message",
               (window.server_after.cpu_s - window.server_before.cpu_s) * 1e3 / static_cast<double>(stored_));
  }
  report.set_generator(window.own_cpu_s, window.ns);
}

void GroupBench::report_verdict(Report& report) {
  std::vector<bool> repeated(online_, false);
  for (const auto& own : groups_) own->mark_repeated(repeated);
  report.set("group_receipts_behind", log_.receipts_behind(recipients()));
  report.fail_if("group_lost", log_.lost(recipients()));
  report.fail_if("group_misplaced", log_.misplaced(repeated));
  report.fail_if("group_contradictions", contradictions_);
  report.fail_if("group_unanswered", sum(&GroupTraffic::unanswered));
  report.fail_if("drops", bench_.fleet.tally()[Counter::drops]);
  rig_.report_verdict(report);
}

}  // namespace

std::uint32_t online_members(const Options& options) {
  const auto share = static_cast<std::uint32_t>(std::llround(options.members * options.online_percent / 100));
  return std::clamp(share, 2U, options.members);
}

Report run_group(Bench& bench) {
  GroupBench group(bench);
  group.set_up();
  group.log_in();
  return group.run();
}

}  // namespace godwit::bench
