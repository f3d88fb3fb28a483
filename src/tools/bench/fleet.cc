#include "tools/bench/fleet.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <mutex>
#include <thread>

namespace godwit::bench {

Fleet::Fleet(const Options& options, const Target& target, std::uint64_t seed)
    : options_(options), server_(options.pid, options.pid_file), started_ns_(steady_ns()) {
  Random random(seed);
  for (std::uint32_t i = 0; i < options.threads; ++i) {
    shards_.push_back(std::make_unique<Shard>(i, options, target, random.next()));
  }
  last_usage_ = server_.sample();
}

void Fleet::run(const std::string& phase, const std::function<void(Shard&)>& work) {
  std::mutex mutex;
  std::condition_variable finished;
  std::size_t running = shards_.size();
  std::exception_ptr failure;

  std::vector<std::thread> threads;
  for (const auto& shard : shards_) {
    threads.emplace_back([&, &own = *shard] {
      std::exception_ptr thrown;
      try {
        work(own);
      } catch (...) {
        thrown = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      if (thrown) failure = thrown;
      --running;
      finished.notify_one();
    });
  }
  Tally before = tally();
  std::unique_lock lock(mutex);
  while (!finished.wait_for(lock, std::chrono::seconds(1), [&] { return running == 0; })) {
    const Tally now = tally();
    if (!options_.quiet) print_progress(phase, before, now);
    before = now;
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

void Fleet::print_progress(const std::string& phase, const Tally& before, const Tally& now) {
  const Tally grown = now - before;
  const auto count = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::fprintf(stderr, "%5.0fs %-8s live %llu  logins/s %llu  stored/s %llu  delivered/s %llu",
               static_cast<double>(steady_ns() - started_ns_) / kNsPerSecond, phase.c_str(),
               count(now[Counter::live]), count(grown[Counter::logins]), count(grown[Counter::stored]),
               count(grown[Counter::delivered]));
  std::fprintf(stderr, "  retries %llu  drops %llu  errors %llu", count(now[Counter::login_retries]),
               count(now[Counter::drops]), count(now[Counter::errors]));
  const Usage usage = server_.sample();
  if (usage.known) {
    std::fprintf(stderr, "  server cpu %.0f%% rss %.1f MiB", (usage.cpu_s - last_usage_.cpu_s) * 100,
                 static_cast<double>(usage.rss_bytes) / (1 << 20));
  }
  last_usage_ = usage;
  std::fputc('\n', stderr);
}

Tally Fleet::tally() const {
  Tally sum;
  for (const auto& shard : shards_) sum += shard->counters.tally();
  return sum;
}

Faults Fleet::faults() const {
  Faults sum;
  for (const auto& shard : shards_) {
    for (const auto& [name, count] : shard->faults) sum[name] += count;
  }
  return sum;
}

std::uint64_t Fleet::refused_logins() const {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->logins.refused();
  return sum;
}

Histogram Fleet::login_latency() const {
  Histogram sum;
  for (const auto& shard : shards_) sum.merge(shard->logins.latency);
  return sum;
}

Histogram Fleet::hello_latency() const {
  Histogram sum;
  for (const auto& shard : shards_) sum.merge(shard->logins.hello);
  return sum;
}

}  // namespace godwit::bench
