#include "tools/bench/scenarios/scenario.h"

namespace godwit::bench {
namespace {

std::size_t two_per_pair(const Options& options) {
  return std::size_t{options.pairs} * 2;
}
std::size_t one_per_connection(const Options& options) {
  return options.connections;
}
std::size_t senders_and_users(const Options& options) {
  return std::size_t{options.senders} + options.users;
}

std::size_t members_and_pairs(const Options& options) {
  return std::size_t{options.members} + std::size_t{options.beside_pairs} * 2;
}
std::size_t one_pair(const Options&) {
  return 2;
}
std::size_t viewers_and_pairs(const Options& options) {
  return std::size_t{options.viewers} + 1 + std::size_t{options.beside_pairs} * 2;
}
std::size_t one_per_user(const Options& options) {
  return std::size_t{options.users} + 1;
}
std::size_t one_per_chat(const Options& options) {
  return std::size_t{options.chats} + 1;
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {"idle", "N connections that say nothing: memory and CPU of the server", run_idle, one_per_connection},
      {"pairs", "pairs of users sending to one another: throughput and latency", run_pairs, two_per_pair},
      {"offline", "store for absent users, then let them drain it", run_offline, senders_and_users},
      {"storm", "N logins as fast as the server admits them", run_storm, one_per_connection},
      {"slow", "some readers stall; what the others notice", run_slow, two_per_pair},
      {"crash", "send through restarts of the daemon; verify that nothing is lost or doubled", run_crash,
       two_per_pair},
      {"group", "one group: deliveries/s, and when the last member has a message", run_group,
       members_and_pairs},
      {"history", "one long chat: how long a page of its log takes", run_history, one_pair},
      {"chats", "one user with many chats: how long the list of them takes", run_chats, one_per_chat},
      {"presence", "N users who watch one another and come and go: what that costs", run_presence, one_per_connection},
      {"typing", "pairs of users who type: how soon the other is told", run_typing, two_per_pair},
      {"calls", "pairs of users who call one another: how soon it rings", run_calls, two_per_pair},
      {"status", "one user posts statuses to many: post and feed latency", run_status, viewers_and_pairs},
      {"keys", "one user takes key packages of many, and publishes: how long both take", run_keys, one_per_user},
  };
  return all;
}

}  // namespace godwit::bench
