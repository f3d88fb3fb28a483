#include "tools/bench/command_line.h"

#include <CLI/CLI.hpp>
#include <string>

#include "base/random.h"
#include "tools/bench/scenarios/scenario.h"
#include "tools/bench/stamp.h"

namespace godwit::bench {
namespace {

void add_common(CLI::App& app, Options& o) {
  app.add_option("--url", o.url, "where the daemon listens: ws:// or wss://")->capture_default_str();
  app.add_flag("--tls", o.tls, "TLS although the URL says ws://");
  app.add_option("--ca", o.ca_file,
                 "check the server's certificate against this file; otherwise it is not checked");
  app.add_option("--pid", o.pid, "process id of the daemon: its memory and CPU are reported");
  app.add_option("--pid-file", o.pid_file, "file with that id, read again at every sample");
  app.add_option("--json", o.json_file, "write the result to this file");
  app.add_option("--accounts", o.accounts_file,
                 "keep accounts (with their keys) in this file for the next run");
  app.add_option("--invite", o.invite, "invite code for registration");
  app.add_option("--seed", o.seed, "of all random choices; drawn when 0")->capture_default_str();
  app.add_flag("--quiet", o.quiet, "no progress line");
  app.add_option("--threads", o.threads, "threads of the generator")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--concurrency", o.concurrency, "logins under way at once, per thread")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--keepalive", o.keepalive_s, "seconds of silence to ask for; 0: the server's default");
  app.add_option("--ack-delay", o.ack_delay_ms,
                 "milliseconds after a message until it is acknowledged, with what came meanwhile")
      ->check(CLI::Range(0, 60'000))
      ->capture_default_str();
  app.add_option("--seconds", o.seconds, "length of the measurement")->capture_default_str();
  app.add_option("--drain", o.drain_s, "seconds to wait for what is under way at the end")
      ->capture_default_str();
  app.add_option("--payload", o.payload, "bytes of a message")
      ->check(CLI::Range(static_cast<int>(kStampBytes), 65'536))
      ->capture_default_str();
}

void add_traffic(CLI::App& app, Options& o) {
  app.add_option("--pairs", o.pairs, "pairs of users; default 1000, crash 50");
  app.add_option("--rate", o.rate, "messages/s in all; default for slow and typing 10000, for crash 2000, for calls 1000");
  app.add_option("--warmup", o.warmup_s, "seconds before the measurement")->capture_default_str();
}

void add_window(CLI::App& app, Options& o) {
  app.add_option("--window", o.window, "messages under way per sender; in a group, in all")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

void add_beside(CLI::App& app, Options& o) {
  app.add_option("--beside-pairs", o.beside_pairs, "pairs of users that talk meanwhile")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  app.add_option("--pair-rate", o.pair_rate, "messages/s of those pairs")->capture_default_str();
}

void add_group(CLI::App& app, Options& o) {
  add_window(app, o);
  app.add_option("--members", o.members, "of the group")
      ->check(CLI::Range(2, 100'000))
      ->capture_default_str();
  app.add_option("--online-percent", o.online_percent, "members that are connected; they send")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--rate", o.rate, "messages/s to the group; 0: --window of them under way in all");
  app.add_option("--warmup", o.warmup_s, "seconds before the measurement")->capture_default_str();
  add_beside(app, o);
}

void add_requests(CLI::App& app, Options& o) {
  app.add_option("--requests", o.requests, "requests that are timed")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

void add_own(CLI::App& app, const std::string& scenario, Options& o) {
  if (scenario == "idle" || scenario == "storm" || scenario == "presence") {
    app.add_option("connections,--users", o.connections, "how many")->capture_default_str();
  }
  if (scenario == "storm") app.add_flag("--refresh", o.refresh, "every login asks for a new token first");
  if (scenario == "pairs" || scenario == "slow" || scenario == "crash" || scenario == "typing" ||
      scenario == "calls") {
    add_traffic(app, o);
  }
  if (scenario == "presence") {
    app.add_option("--watched", o.watched, "users that each watches")->check(CLI::Range(1, 10'000))->capture_default_str();
    app.add_option("--changing-percent", o.changing_percent, "users who change their presence in a second")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    app.add_option("--warmup", o.warmup_s, "seconds before the measurement")->capture_default_str();
  }
  if (scenario == "status") {
    app.add_option("--viewers", o.viewers, "contacts of the author")->check(CLI::Range(1, 10'000))->capture_default_str();
    app.add_option("--posts", o.posts, "statuses that are posted")->check(CLI::Range(1, 100'000))->capture_default_str();
    add_requests(app, o);
    add_beside(app, o);
  }
  if (scenario == "keys") {
    app.add_option("--users", o.users, "whose keys are taken")->check(CLI::Range(1, 1'000))->capture_default_str();
    app.add_option("--requests", o.requests, "claims, lookups and uploads that are timed")
        ->check(CLI::Range(1, 200))
        ->capture_default_str();
  }
  if (scenario == "pairs" || scenario == "crash") app.add_flag("--both", o.both, "both of a pair send");
  if (scenario == "pairs") {
    add_window(app, o);
    app.add_option_function<std::string>(
           "--window-on", [&o](const std::string& value) { o.window_on_sent = value == "sent"; },
           "a message is under way until it is `sent` (answered) or `delivered`; default delivered")
        ->check(CLI::IsMember({"sent", "delivered"}));
  }
  if (scenario == "slow") {
    app.add_option("--slow-percent", o.slow_percent, "pairs whose recipient stalls")->capture_default_str();
    app.add_option("--stall", o.stall_s, "seconds they stall")->capture_default_str();
  }
  if (scenario == "group") add_group(app, o);
  if (scenario == "history") {
    app.add_option("--messages", o.messages, "in the chat")->capture_default_str();
    add_requests(app, o);
    app.add_option("--phase", o.phase, "store, read (what an earlier run with --accounts stored) or both")
        ->check(CLI::IsMember({"store", "read", "both"}))
        ->capture_default_str();
  }
  if (scenario == "chats") {
    app.add_option("chats,--chats", o.chats, "how many")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    add_requests(app, o);
  }
  if (scenario == "offline") {
    add_window(app, o);
    app.add_option("--users", o.users, "absent recipients")->capture_default_str();
    app.add_option("--senders", o.senders, "who sends to them")->capture_default_str();
    app.add_option("--messages", o.messages, "in all")->capture_default_str();
    app.add_option("--first-page-samples", o.samples, "recipients that come alone first")
        ->capture_default_str();
    app.add_option("--phase", o.phase, "store, drain (what an earlier run stored) or both")
        ->check(CLI::IsMember({"store", "drain", "both"}))
        ->capture_default_str();
  }
}

// What depends on the scenario.
void fill_defaults(Options& o) {
  const bool crash = o.scenario == "crash";
  if (o.pairs == 0) o.pairs = crash ? 50 : 1000;
  if (o.rate == 0 && crash) o.rate = 2000;
  if (o.rate == 0 && (o.scenario == "slow" || o.scenario == "typing")) o.rate = 10'000;
  if (o.rate == 0 && o.scenario == "calls") o.rate = 1000;
  if (o.seed == 0) o.seed = random_below(0xFFFF'FFFE) + 1;
  o.senders = std::max(o.senders / o.threads, 1U) * o.threads;
}

}  // namespace

std::optional<Options> parse_command_line(int argc, char** argv, int& exit_code) {
  Options options;
  CLI::App app(
      "Load generator for godwit. It verifies what it measures: every message must arrive, once and in "
      "order.",
      "godwit-bench");
  app.require_subcommand(1);
  for (const Scenario& scenario : scenarios()) {
    CLI::App& sub = *app.add_subcommand(scenario.name, scenario.summary);
    add_common(sub, options);
    add_own(sub, scenario.name, options);
    sub.final_callback([&options, &scenario] { options.scenario = scenario.name; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return std::nullopt;
  }
  fill_defaults(options);
  return options;
}

}  // namespace godwit::bench
