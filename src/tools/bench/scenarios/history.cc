#include <algorithm>
#include <stdexcept>
#include <string>

#include "tools/bench/requester.h"
#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {
namespace {

constexpr std::uint32_t kPage = 50;
// Messages of the one sender that are under way.
constexpr std::uint32_t kWindow = 64;

// Account 0 fills its chat with account 1, who is absent.
void store(Bench& bench, Rig& rig, Report& report) {
  const Options& options = bench.options;
  Shard& own = bench.fleet.shard(0);
  Traffic& traffic = rig.traffic(own);
  const std::uint32_t sender = rig.add_session(0, 0);
  const std::uint32_t recipient = rig.add_session(0, 1);
  traffic.connect(sender, recipient);
  const std::int64_t from = steady_ns();
  bench.fleet.run("store", [&](Shard& shard) {
    if (shard.index != 0) return;
    shard.logins.add(traffic.session(sender));
    shard.loop.run_until([&] { return shard.logins.settled(); },
                         shard.loop.refresh() + to_ns(options.drain_s));
    traffic.start_window(kWindow, true, options.messages);
    // As long as it takes, while there is progress.
    std::uint64_t stored = UINT64_MAX;
    while (!shard.loop.run_until([&] { return traffic.all_stored(); },
                                 shard.loop.refresh() + to_ns(options.drain_s))) {
      const std::uint64_t now_stored = shard.counters.tally()[Counter::stored];
      if (now_stored == stored) break;
      stored = now_stored;
    }
    traffic.stop();
    traffic.session(sender).stop();
  });
  report.set("stored_per_s", per_second(bench.fleet.tally()[Counter::stored], steady_ns() - from));
}

v1::HistoryPage get_page(Requester& reader, UserId peer, std::uint64_t before) {
  v1::ClientFrame frame;
  frame.mutable_history()->set_peer(peer.value);
  frame.mutable_history()->set_before(before);
  frame.mutable_history()->set_limit(kPage);
  const v1::ServerFrame reply = reader.call(frame);
  if (!reply.has_history_page()) throw std::runtime_error("History was not answered so");
  return reply.history_page();
}

// The page holds the positions right before `before`, ascending.
bool is_right(const v1::HistoryPage& page, std::uint64_t before) {
  const std::uint64_t size = std::min<std::uint64_t>(kPage, before - 1);
  if (static_cast<std::uint64_t>(page.envelopes_size()) != size) return false;
  std::uint64_t expected = before - size;
  return std::all_of(page.envelopes().begin(), page.envelopes().end(), [&](const v1::Envelope& envelope) {
    return envelope.chat_seq() == expected++ && envelope.payload().size() >= kStampBytes;
  });
}

void read(Bench& bench, Requester& reader, Report& report) {
  Histogram pages;
  std::uint64_t first_ns = 0;
  std::uint64_t wrong = 0;
  std::uint64_t chat_end = 0;
  bench.fleet.run("read", [&](Shard& shard) {
    if (shard.index != 0) return;
    reader.log_in();
    const UserId peer = bench.accounts[1].user;
    const v1::HistoryPage last = get_page(reader, peer, 0);
    chat_end = last.chat_end();
    if (!is_right(last, chat_end + 1)) ++wrong;
    first_ns = static_cast<std::uint64_t>(reader.took_ns());
    for (std::uint32_t i = 0; i < bench.options.requests && chat_end > 0; ++i) {
      const std::uint64_t before = 2 + shard.random.next() % chat_end;
      if (!is_right(get_page(reader, peer, before), before)) ++wrong;
      pages.record(static_cast<std::uint64_t>(reader.took_ns()));
    }
    reader.log_out();
  });
  report.set("chat_end", chat_end);
  report.set("first_page_us", static_cast<double>(first_ns) / 1000);
  report.set_latency("page_of_50", pages);
  report.fail_if("wrong_pages", wrong);
}

}  // namespace

Report run_history(Bench& bench) {
  Rig rig(bench);
  Requester reader(bench.fleet.shard(0), bench.accounts[0], 0);
  Report report(bench.options, bench.seed);
  report["parameters"]["messages"] = bench.options.messages;
  report["parameters"]["phase"] = bench.options.phase;
  if (bench.options.phase != "read") store(bench, rig, report);
  if (bench.options.phase != "store") read(bench, reader, report);
  rig.report_verdict(report, false);
  return report;
}

}  // namespace godwit::bench
