#include "tools/bench/crowd.h"

namespace godwit::bench {
namespace {

constexpr std::int64_t kTickNs = kNsPerMs;

}  // namespace

std::uint32_t Crowd::add(Account& account, std::size_t number) {
  sessions_.push_back(std::make_unique<Session>(shard_, account, number, *this));
  return sessions_.back()->tag = size() - 1;
}

bool Crowd::log_in_all(std::int64_t patience_ns) {
  for (const auto& session : sessions_) shard_.logins.add(*session);
  const auto done = [&] { return shard_.logins.settled() && caught_up_ >= sessions_.size(); };
  std::uint64_t seen = UINT64_MAX;
  while (!shard_.loop.run_until(done, shard_.loop.refresh() + patience_ns)) {
    const std::uint64_t progress = shard_.counters.tally()[Counter::logins] + caught_up_;
    if (progress == seen) return false;
    seen = progress;
  }
  return shard_.logins.refused() == 0;
}

void Crowd::start_rate(double per_second) {
  running_ = true;
  per_ns_ = per_second / static_cast<double>(kNsPerSecond);
  from_ = shard_.loop.refresh();
  next_tick_ = from_ + kTickNs;
  issued_ = 0;
  shard_.loop.at(next_tick_, [this] { tick(); });
}

void Crowd::tick() {
  if (!running_ || sessions_.empty()) return;
  for (; next_tick_ <= shard_.loop.now(); next_tick_ += kTickNs) {
    const auto due = static_cast<std::uint64_t>(static_cast<double>(next_tick_ - from_) * per_ns_);
    for (; issued_ < due; ++issued_) act(next_tick_);
  }
  shard_.loop.at(next_tick_, [this] { tick(); });
}

}  // namespace godwit::bench
