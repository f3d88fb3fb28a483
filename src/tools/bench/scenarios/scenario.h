// What a run consists of, and the scenarios there are. Each function runs one and reports.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/bench/account.h"
#include "tools/bench/fleet.h"
#include "tools/bench/options.h"
#include "tools/bench/report.h"

namespace godwit::bench {

struct Bench {
  const Options& options;
  std::uint64_t seed;
  std::vector<Account>& accounts;  // registered, as many as accounts_needed() says
  Fleet& fleet;
};

// N sessions that say nothing: memory per connection, CPU while idle.
Report run_idle(Bench& bench);
// Pairs of users who send messages to one another: throughput and latency.
Report run_pairs(Bench& bench);
// Messages to users who are not connected, then the users come: stored/s, drained/s, time to the first page.
Report run_offline(Bench& bench);
// N sessions log in at once: logins/s and how long each takes.
Report run_storm(Bench& bench);
// Some recipients stop reading: what the others notice, and whether the slow ones get everything later.
Report run_slow(Bench& bench);
// Connections break, because somebody kills the daemon: whether anything is lost or seen twice.
Report run_crash(Bench& bench);

// One group: deliveries/s, and how long the last member waits; pairs beside it tell what others notice.
Report run_group(Bench& bench);
// One chat with many messages: how long a page of its log takes.
Report run_history(Bench& bench);
// One user with many chats: how long the list of them takes.
Report run_chats(Bench& bench);
// Users who watch one another and come and go: what presence costs, also when all come at once.
Report run_presence(Bench& bench);
// Pairs of users who type: how soon the other sees it.
Report run_typing(Bench& bench);
// Pairs of users who call one another: how soon the other's device has the offer.
Report run_calls(Bench& bench);
// One user who posts to many: how soon a post is durable, how long a feed takes, what others notice.
Report run_status(Bench& bench);
// One user who takes key packages of many others, and publishes: how long both take.
Report run_keys(Bench& bench);

// Members of the group that are connected, at least two.
std::uint32_t online_members(const Options& options);

struct Scenario {
  const char* name;
  const char* summary;
  Report (*run)(Bench&);
  std::size_t (*accounts_needed)(const Options&);
};
const std::vector<Scenario>& scenarios();

}  // namespace godwit::bench
