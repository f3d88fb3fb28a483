// godwit-bench: how fast a godwit is, and whether it loses anything while it is.
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "tools/bench/command_line.h"
#include "tools/bench/registrar.h"
#include "tools/bench/scenarios/scenario.h"

namespace godwit::bench {
namespace {

// Standard streams, epoll, files, connections that register.
constexpr std::uint64_t kOwnDescriptors = 100;

const Scenario& find_scenario(const std::string& name) {
  for (const Scenario& scenario : scenarios()) {
    if (scenario.name == name) return scenario;
  }
  throw std::runtime_error("no scenario " + name);
}

std::vector<Account> prepare_accounts(const Options& options, const Target& target, std::size_t count) {
  std::vector<Account> accounts = load_accounts(options.accounts_file);
  const std::size_t known = accounts.size();
  while (accounts.size() < count) accounts.emplace_back();
  if (known < count) {
    register_accounts(options, target, options.seed, accounts);
    if (!options.accounts_file.empty()) save_accounts(options.accounts_file, accounts);
  }
  return accounts;
}

int run(const Options& options) {
  std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(options.seed));
  const Scenario& scenario = find_scenario(options.scenario);
  const std::size_t count = scenario.accounts_needed(options);
  const std::uint64_t descriptors = raise_descriptor_limit();
  if (descriptors < count + kOwnDescriptors) {
    throw std::runtime_error(std::to_string(count) + " connections need more descriptors than the " +
                             std::to_string(descriptors) + " that this process may open (ulimit -n)");
  }
  const Target target = make_target(options.url, options.tls, options.ca_file);
  std::vector<Account> accounts = prepare_accounts(options, target, count);

  Fleet fleet(options, target, options.seed);
  Bench bench{options, options.seed, accounts, fleet};
  const Report report = scenario.run(bench);
  report.print();
  if (!options.json_file.empty()) report.write(options.json_file);
  // Tokens may have been renewed.
  if (!options.accounts_file.empty()) save_accounts(options.accounts_file, accounts);
  return report.failed() ? 1 : 0;
}

}  // namespace
}  // namespace godwit::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    godwit::init_crypto();
    int exit_code = 0;
    const auto options = godwit::bench::parse_command_line(argc, argv, exit_code);
    return options ? godwit::bench::run(*options) : exit_code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "godwit-bench: %s\n", error.what());
    return 2;
  }
}
