#include "net/shard.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace godwit::net {
namespace {

constexpr std::size_t kSpareBuffers = 256;
constexpr std::size_t kFirstBufferBytes = 1024;
constexpr std::size_t kMaxSpareBytes = 32 * 1024;

void forget(std::vector<Connection*>& list, Connection* connection) {
  std::replace(list.begin(), list.end(), connection, static_cast<Connection*>(nullptr));
}

}  // namespace

Shard::Shard(ServerContext& context, Worker& worker)
    : context_(context), worker_(worker), poller_(worker.context()), timer_(worker.context()) {
  worker_.add_end_of_turn([this] { end_turn(); });
  wait_tick();
}

Shard::~Shard() {
  wheel_.for_each([](Connection& connection) { delete &connection; });
}

std::uint32_t Shard::to_ticks(std::uint32_t milliseconds) const {
  const std::uint32_t tick = context_.options.tick_ms;
  return (milliseconds + tick - 1) / tick + 1;
}

std::span<char> Shard::scratch() {
  constexpr std::size_t kSize = kMaxCarriedBytes + kReadBytes;
  if (!scratch_) scratch_ = std::make_unique_for_overwrite<char[]>(kSize);
  return {scratch_.get(), kSize};
}

Shard& Shard::sibling(Worker& worker) {
  for (const auto& shard : context_.shards) {
    if (&shard->worker_ == &worker) return *shard;
  }
  throw std::logic_error("a connection was to move to a worker that its server does not use");
}

void Shard::take_over(std::unique_ptr<Connection> connection) {
  Connection* const key = connection.get();
  {
    const std::lock_guard lock(arrivals_mutex_);
    arrivals_.emplace(key, std::move(connection));
  }
  worker_.post([this, key] { adopt(key); });
}

void Shard::adopt(Connection* key) {
  std::unique_ptr<Connection> owned;
  {
    const std::lock_guard lock(arrivals_mutex_);
    const auto it = arrivals_.find(key);
    owned = std::move(it->second);
    arrivals_.erase(it);
  }
  open_.fetch_add(1, std::memory_order_relaxed);
  context_.probe.opened();
  // From here on the wheel holds it, in which it is from begin() or arrive() until destroy() or remove().
  Connection& connection = *owned.release();
  if (connection.is_in_transit()) {
    connection.arrive(*this);
  } else {
    connection.begin(*this);
  }
  if (closing_all_ && !connection.is_in_transit()) connection.shut_down(*closing_all_);
}

std::unique_ptr<Connection> Shard::remove(Connection& connection) {
  connection.unlink();
  poller_.remove(connection.descriptor());
  for (auto* list : {&dirty_, &flushing_, &deferred_, &running_}) forget(*list, &connection);
  open_.fetch_sub(1, std::memory_order_relaxed);
  context_.probe.ended();
  return std::unique_ptr<Connection>(&connection);
}

void Shard::destroy(Connection& connection) {
  open_.fetch_sub(1, std::memory_order_relaxed);
  context_.probe.ended();
  delete &connection;
}

void Shard::close_all(CloseReason reason) {
  closing_all_ = reason;
  wheel_.for_each([&](Connection& connection) { connection.shut_down(reason); });
}

void Shard::end_turn() {
  flushing_.swap(dirty_);
  for (Connection* connection : flushing_) {
    if (connection != nullptr) connection->flush();
  }
  flushing_.clear();
}

void Shard::add_deferred(Connection& connection) {
  if (deferred_.empty()) worker_.post([this] { run_deferred(); });
  deferred_.push_back(&connection);
}

void Shard::run_deferred() {
  running_.swap(deferred_);
  for (std::size_t i = 0; i < running_.size(); ++i) {
    if (Connection* const connection = std::exchange(running_[i], nullptr)) connection->run_deferred();
  }
  running_.clear();
}

void Shard::wait_tick() {
  timer_.expires_after(std::chrono::milliseconds(context_.options.tick_ms));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    tick();
    wait_tick();
  });
}

void Shard::tick() {
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - context_.started);
  // All shards count from the same beginning, so that a deadline keeps its meaning when it moves.
  const auto target = static_cast<std::uint32_t>(elapsed.count() / context_.options.tick_ms) + 1;
  while (wheel_.now() < target) {
    wheel_.advance([](Connection& connection) { connection.on_timeout(); });
  }
  context_.probe.add(std::exchange(tally_, TrafficTally{}));
  context_.probe.large_inputs(context_.large_inputs.bytes(), context_.large_inputs.waiting_bytes());
}

std::string Shard::take_buffer() {
  std::string buffer;
  if (spare_buffers_.empty()) {
    buffer.reserve(kFirstBufferBytes);
  } else {
    buffer = std::move(spare_buffers_.back());
    spare_buffers_.pop_back();
  }
  return buffer;
}

void Shard::give_buffer(std::string buffer) {
  if (spare_buffers_.size() >= kSpareBuffers || buffer.capacity() > kMaxSpareBytes) return;
  buffer.clear();
  spare_buffers_.push_back(std::move(buffer));
}

std::string& Shard::discard() {
  discard_.clear();
  if (discard_.capacity() > kMaxSpareBytes) discard_.shrink_to_fit();
  return discard_;
}

}  // namespace godwit::net
