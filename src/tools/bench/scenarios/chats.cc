#include <set>
#include <stdexcept>

#include "tools/bench/requester.h"
#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {
namespace {

constexpr std::uint32_t kPage = 1000;
constexpr std::uint32_t kWindow = 16;

// Account 0 writes once to each of the others, who are absent.
void make_chats(Bench& bench, Rig& rig) {
  Shard& own = bench.fleet.shard(0);
  Traffic& traffic = rig.traffic(own);
  const std::uint32_t sender = rig.add_session(0, 0);
  for (std::uint32_t chat = 0; chat < bench.options.chats; ++chat) {
    traffic.connect(sender, rig.add_session(0, chat + 1));
  }
  bench.fleet.run("store", [&](Shard& shard) {
    if (shard.index != 0) return;
    shard.logins.add(traffic.session(sender));
    shard.loop.run_until([&] { return shard.logins.settled(); },
                         shard.loop.refresh() + to_ns(bench.options.drain_s));
    traffic.start_window(kWindow, true, bench.options.chats);
    shard.loop.run_until([&] { return traffic.all_stored(); },
                         shard.loop.refresh() + to_ns(bench.options.drain_s));
    traffic.stop();
    traffic.session(sender).stop();
  });
}

// The whole list, page by page; returns how long that took, in nanoseconds.
std::uint64_t list_all(Requester& reader, std::set<std::uint64_t>& peers) {
  std::uint64_t took = 0;
  v1::ClientFrame frame;
  frame.mutable_list_chats()->set_limit(kPage);
  for (;;) {
    const v1::ServerFrame reply = reader.call(frame);
    took += static_cast<std::uint64_t>(reader.took_ns());
    if (!reply.has_chats()) throw std::runtime_error("ListChats was not answered so");
    for (const v1::ChatInfo& chat : reply.chats().chats()) {
      if (chat.end() > 0) peers.insert(chat.peer());
    }
    if (reply.chats().next().empty() || reply.chats().chats().empty()) return took;
    frame.mutable_list_chats()->set_after(reply.chats().next());
  }
}

}  // namespace

Report run_chats(Bench& bench) {
  Rig rig(bench);
  Requester reader(bench.fleet.shard(0), bench.accounts[0], 0);
  make_chats(bench, rig);
  Histogram lists;
  std::uint64_t first_ns = 0;
  std::uint64_t wrong = 0;
  bench.fleet.run("list", [&](Shard& shard) {
    if (shard.index != 0) return;
    reader.log_in();
    for (std::uint32_t i = 0; i < bench.options.requests; ++i) {
      std::set<std::uint64_t> peers;
      const std::uint64_t took = list_all(reader, peers);
      if (i == 0) first_ns = took;
      lists.record(took);
      // Accounts that were used before may have more.
      if (peers.size() < bench.options.chats) ++wrong;
    }
    reader.log_out();
  });
  Report report(bench.options, bench.seed);
  report["parameters"]["chats"] = bench.options.chats;
  report.set("first_list_us", static_cast<double>(first_ns) / 1000);
  report.set_latency("list", lists);
  report.fail_if("wrong_lists", wrong);
  rig.report_verdict(report, false);
  return report;
}

}  // namespace godwit::bench
