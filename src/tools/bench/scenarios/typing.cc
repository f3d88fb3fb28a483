#include "godwit.pb.h"
#include "tools/bench/scenarios/crowds.h"

namespace godwit::bench {
namespace {

// Pairs whose members are typing; even tags type, their neighbours are told.
class Typists final : public Crowd {
 public:
  using Crowd::Crowd;

  // The chat must be there before anybody can type in it.
  void open_chats() {
    for (std::uint32_t tag = 0; tag < size(); tag += 2) {
      session(tag).send(1, shard_.make_message_id(), session(tag + 1).user(), "hello", "");
    }
  }
  std::uint32_t opened() const { return opened_; }

  Histogram latency;
  std::uint64_t told = 0;
  std::uint64_t missing = 0;  // the one before had not come when the next was due

 private:
  void act(std::int64_t due_ns) override {
    if (due_.empty()) due_.resize(size() / 2);
    turn_ = (turn_ + 1) % due_.size();
    if (measuring && due_[turn_] != 0) ++missing;
    due_[turn_] = due_ns;
    v1::ClientFrame frame;
    frame.mutable_typing()->set_peer(session(static_cast<std::uint32_t>(turn_ * 2 + 1)).user().value);
    session(static_cast<std::uint32_t>(turn_ * 2)).request(frame);
  }
  void on_sent(Session&, std::uint64_t, const SentView&) override { ++opened_; }
  void on_reply(Session& session, const v1::ServerFrame& frame) override {
    if (!frame.has_typing_notice() || due_.empty()) return;
    std::int64_t& due = due_[session.tag / 2];
    if (due == 0) return;
    if (measuring) {
      ++told;
      latency.record(ns_since(due));
    }
    due = 0;
  }

  std::vector<std::int64_t> due_;  // by pair; 0: none is under way
  std::size_t turn_ = 0;
  std::uint32_t opened_ = 0;
};

}  // namespace

Report run_typing(Bench& bench) {
  const Options& options = bench.options;
  Rig rig(bench);
  Crowds<Typists> crowds(bench);
  crowds.add_pairs(options.pairs);
  crowds.log_in();
  bench.fleet.run("chats", [&](Shard& shard) {
    Typists& own = crowds.of(shard);
    own.open_chats();
    shard.loop.run_until([&] { return own.opened() * 2 >= own.size(); }, shard.loop.refresh() + to_ns(options.drain_s));
  });
  const Window window = crowds.measure(rig, static_cast<double>(options.rate));

  Report report(options, bench.seed);
  report["parameters"]["pairs"] = options.pairs;
  report["parameters"]["rate"] = options.rate;
  Histogram latency;
  std::uint64_t told = 0;
  std::uint64_t missing = 0;
  for (const auto& own : crowds.all()) {
    latency.merge(own->latency);
    told += own->told;
    missing += own->missing;
  }
  report.set("told_per_s", per_second(told, window.ns));
  report.set("not_told_in_time", missing);
  report.set_latency("typing", latency);
  report.set_server(window.server_before, window.server_after, told);
  report.set_generator(window.own_cpu_s, window.ns);
  if (told == 0) report.fail("nobody was told that somebody is typing");
  report.fail_if("drops", bench.fleet.tally()[Counter::drops]);
  return report;
}

}  // namespace godwit::bench
