#include "router/checkpointer.h"

#include <chrono>
#include <latch>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/thread.h"

namespace godwit {
namespace {

// How often the thread looks whether a checkpoint is due.
constexpr std::chrono::milliseconds kLook{50};

using Step = bool (Shard::*)(Collector&);

void collect_steps(Shard& shard, Step step, Collector& out, std::latch& done) {
  if ((shard.*step)(out)) {
    done.count_down();
  } else {
    shard.worker().post([&shard, step, &out, &done] { collect_steps(shard, step, out, done); });
  }
}

void finish_steps(Shard& shard, bool ok, std::latch& done) {
  if (shard.finish_step(ok)) {
    done.count_down();
  } else {
    shard.worker().post([&shard, ok, &done] { finish_steps(shard, ok, done); });
  }
}

}  // namespace

Checkpointer::Checkpointer(Router& router, Store& store, Journal& journal, const CheckpointOptions& options,
                           Metrics& metrics)
    : router_(router),
      store_(store),
      journal_(journal),
      options_(options),
      done_(metrics.counter("godwit_checkpoints_total", "Checkpoints written")),
      failed_(metrics.counter("godwit_checkpoints_failed_total", "Checkpoints that the disk refused")) {}

Checkpointer::~Checkpointer() {
  stop();
}

void Checkpointer::start() {
  started_ = true;
  thread_ = std::thread([this] { run(); });
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!started_ || stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  run_once();
}

void Checkpointer::run() {
  begin_bulk_thread();
  std::uint64_t bytes_at_last = router_.committed_bytes();
  auto last = std::chrono::steady_clock::now();
  for (;;) {
    std::vector<std::function<void()>> jobs;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kLook, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      jobs.swap(jobs_);
    }
    for (auto& job : jobs) job();
    const auto waited = std::chrono::steady_clock::now() - last;
    const bool by_time = waited >= std::chrono::milliseconds(options_.interval_ms);
    if (!by_time && router_.committed_bytes() - bytes_at_last < options_.bytes) continue;
    bool dirty = false;
    for (unsigned i = 0; i < router_.workers(); ++i) dirty |= router_.shard(i).has_dirty();
    const std::uint64_t bytes = router_.committed_bytes();
    if (dirty && run_once()) bytes_at_last = bytes;
    last = std::chrono::steady_clock::now();
  }
}

void Checkpointer::post(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
}

bool Checkpointer::run_once() {
  const std::lock_guard one(running_);
  // First the position, then the rows: whatever a row has beyond it is skipped at replay.
  const Lsn position = router_.dispatched();
  const bool ok = store_.commit(collect(), position);
  finish(ok);
  if (ok) {
    journal_.trim(position);
    done_.Increment();
  } else {
    failed_.Increment();
    log_error("checkpoint_failed", {{"journal_position", position.value}});
  }
  return ok;
}

CheckpointRows Checkpointer::collect() {
  std::vector<Collector> parts(router_.workers());
  const auto run = [&](void (Shard::*begin)(), Step step) {
    std::latch done(router_.workers());
    router_.post_after_dispatch([&] {
      for (unsigned i = 0; i < router_.workers(); ++i) {
        Shard& shard = router_.shard(i);
        shard.worker().post([&shard, begin, step, &part = parts[i], &done] {
          (shard.*begin)();
          collect_steps(shard, step, part, done);
        });
      }
    });
    done.wait();
  };
  run(&Shard::begin_inboxes, &Shard::collect_inboxes_step);
  run(&Shard::begin_checkpoint, &Shard::collect_step);
  CheckpointRows rows;
  for (Collector& part : parts) rows.merge(part.finish());
  return rows;
}

void Checkpointer::finish(bool ok) {
  std::latch done(router_.workers());
  for (unsigned i = 0; i < router_.workers(); ++i) {
    Shard& shard = router_.shard(i);
    shard.worker().post([&shard, ok, &done] { finish_steps(shard, ok, done); });
  }
  done.wait();
}

}  // namespace godwit
