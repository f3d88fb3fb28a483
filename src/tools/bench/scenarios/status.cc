#include <stdexcept>

#include "tools/bench/requester.h"
#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {
namespace {

constexpr std::uint32_t kBatch = 1000;
constexpr std::uint32_t kPage = 200;

// After the pairs beside: account 0 posts, the others are its contacts.
class StatusBench {
 public:
  explicit StatusBench(Bench& bench)
      : bench_(bench),
        first_(std::size_t{bench.options.beside_pairs} * 2),
        rig_(bench),
        author_(bench.fleet.shard(0), bench.accounts[first_], first_),
        viewer_(bench.fleet.shard(0), bench.accounts[first_ + 1], first_ + 1) {
    rig_.add_pairs(bench.options.beside_pairs, false);
  }

  void set_up();
  Report run();

 private:
  void post_all();
  void list();
  void add_contacts(Requester& who, std::size_t from, std::size_t to);

  Bench& bench_;
  const std::size_t first_;
  Rig rig_;
  Requester author_;
  Requester viewer_;
  Histogram posts_;
  Histogram lists_;
  std::uint64_t wrong_ = 0;
};

void StatusBench::add_contacts(Requester& who, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; i += kBatch) {
    v1::ClientFrame frame;
    for (std::size_t k = i; k < std::min<std::size_t>(i + kBatch, to); ++k) {
      frame.mutable_change_contacts()->add_add()->set_user_id(bench_.accounts[first_ + k].user.value);
    }
    if (!who.call(frame).has_done()) throw std::runtime_error("ChangeContacts was not answered so");
  }
}

void StatusBench::set_up() {
  if (bench_.options.beside_pairs > 0) rig_.log_in_all();
  bench_.fleet.run("contacts", [&](Shard& shard) {
    if (shard.index != 0) return;
    author_.log_in();
    viewer_.log_in();
    add_contacts(author_, 1, std::size_t{bench_.options.viewers} + 1);
    add_contacts(viewer_, 0, 1);
  });
}

void StatusBench::post_all() {
  Shard& shard = bench_.fleet.shard(0);
  const std::string payload(bench_.options.payload, 'p');
  for (std::uint32_t i = 0; i < bench_.options.posts; ++i) {
    v1::ClientFrame frame;
    frame.mutable_post_status()->set_id(shard.make_message_id().str());
    frame.mutable_post_status()->set_payload(payload);
    const v1::ServerFrame reply = author_.call(frame);
    if (reply.status_posted().viewers() != bench_.options.viewers) ++wrong_;
    posts_.record(static_cast<std::uint64_t>(author_.took_ns()));
  }
}

void StatusBench::list() {
  v1::ClientFrame frame;
  frame.mutable_list_statuses()->set_limit(kPage);
  for (std::uint32_t i = 0; i < bench_.options.requests; ++i) {
    const v1::ServerFrame reply = viewer_.call(frame);
    if (static_cast<std::uint32_t>(reply.status_feed().statuses_size()) < std::min(kPage, bench_.options.posts)) ++wrong_;
    lists_.record(static_cast<std::uint64_t>(viewer_.took_ns()));
  }
}

Report StatusBench::run() {
  const Options& options = bench_.options;
  const auto talk = [&](Traffic& traffic) {
    if (options.beside_pairs > 0) traffic.start_rate(static_cast<double>(options.pair_rate) / bench_.fleet.size());
  };
  Traffic::Latencies alone;
  if (options.beside_pairs > 0) {
    rig_.measure("pairs alone", options.seconds, talk);
    alone = rig_.latencies();
    for (std::uint32_t i = 0; i < bench_.fleet.size(); ++i) rig_.traffic(bench_.fleet.shard(i)).latencies = {};
  }
  const Usage before = bench_.fleet.server().sample();
  const std::int64_t from = steady_ns();
  bench_.fleet.run("post", [&](Shard& shard) {
    shard.loop.refresh();
    talk(rig_.traffic(shard));
    if (shard.index == 0) post_all();
  });
  const std::int64_t ns = steady_ns() - from;
  const Usage after = bench_.fleet.server().sample();
  const Traffic::Latencies beside = rig_.latencies();
  rig_.drain();
  bench_.fleet.run("list", [&](Shard& shard) {
    if (shard.index == 0) list();
  });

  Report report(options, bench_.seed);
  report["parameters"]["viewers"] = options.viewers;
  report["parameters"]["posts"] = options.posts;
  report["parameters"]["beside_pairs"] = options.beside_pairs;
  report.set("posts_per_s", per_second(options.posts, ns));
  report.set("feed_references_per_s", per_second(std::uint64_t{options.posts} * options.viewers, ns));
  report.set_latency("post", posts_);
  report.set_latency("feed_of_200", lists_);
  if (options.beside_pairs > 0) {
    report.set_latency("pairs_alone_delivery", alone.delivery[0]);
    report.set_latency("beside_delivery", beside.delivery[0]);
  }
  report.set_server(before, after, options.posts);
  report.fail_if("wrong", wrong_);
  rig_.report_verdict(report);
  return report;
}

}  // namespace

Report run_status(Bench& bench) {
  StatusBench status(bench);
  status.set_up();
  return status.run();
}

}  // namespace godwit::bench
