// What the command line says.
#pragma once

#include <cstdint>
#include <string>

namespace godwit::bench {

struct Options {
  std::string scenario;

  std::string url = "ws://127.0.0.1:8080/v1/ws";
  bool tls = false;
  std::string ca_file;
  int pid = 0;
  std::string pid_file;
  std::string json_file;
  std::string accounts_file;
  std::string invite;
  std::uint64_t seed = 0;  // 0: drawn, and printed
  bool quiet = false;

  std::uint32_t threads = 1;
  std::uint32_t concurrency = 256;  // logins under way at once, per thread
  std::uint32_t keepalive_s = 0;    // 0: the server's default
  std::uint32_t ack_delay_ms = 0;   // 0: an Ack after every read
  bool refresh = false;             // every login asks for a new token first

  std::uint32_t payload = 200;  // bytes
  double seconds = 10;
  double warmup_s = 2;
  double drain_s = 60;          // how long to wait for what is under way at the end
  std::uint64_t rate = 0;       // messages/s over all lanes; 0: closed loop
  std::uint32_t window = 16;    // closed loop: messages under way per sender
  bool window_on_sent = false;  // they are under way until Sent, not until delivered
  bool both = false;            // both of a pair send

  std::uint32_t pairs = 0;             // 0: the default of the scenario
  std::uint32_t users = 1000;          // offline: recipients; keys: whose are taken
  std::uint32_t senders = 100;         // offline
  std::uint64_t messages = 1'000'000;  // offline
  std::uint32_t samples = 20;          // offline: recipients that measure the first page alone
  std::uint32_t requests = 200;        // history, chats: how many are timed
  std::string phase = "both";          // offline: store, drain or both; history: store, read or both
  std::uint32_t connections = 1000;    // idle, storm
  std::uint32_t members = 1000;        // group
  double online_percent = 100;         // group: members that are connected
  std::uint32_t beside_pairs = 0;      // group, status: pairs that talk meanwhile
  std::uint64_t pair_rate = 1000;      // group, status: messages/s of those pairs
  std::uint32_t chats = 1000;          // chats
  std::uint32_t watched = 50;          // presence: users that each watches
  double changing_percent = 1;         // presence: users who change in a second
  std::uint32_t viewers = 5000;        // status: contacts of the author
  std::uint32_t posts = 200;           // status
  double slow_percent = 10;            // slow: pairs whose recipient stalls
  double stall_s = 10;                 // slow: for how long
};

}  // namespace godwit::bench
