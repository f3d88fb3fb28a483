#include "base/worker.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <iterator>
#include <string>

#include "base/thread.h"

namespace godwit {
namespace {

thread_local Worker* t_current = nullptr;

}  // namespace

Worker::Worker(unsigned index) : index_(index), context_(1) {}

Worker::~Worker() {
  stop();
  join();
}

Worker* Worker::current() {
  return t_current;
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  if (!stopping_.exchange(true)) boost::asio::post(context_, [] {});
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  t_current = this;
  begin_responsive_thread("worker-" + std::to_string(index_));
  const auto work = boost::asio::make_work_guard(context_);
  while (!stopping_.load(std::memory_order_relaxed)) {
    context_.run_one();
    for (int i = 1; i < kTurnHandlers && context_.poll_one() != 0; ++i) {
    }
    end_turn();
  }
  drain_mailbox();
  end_turn();
  t_current = nullptr;
}

void Worker::end_turn() {
  // First what the handlers have asked of others, then what they have answered: whoever reads an answer and
  // asks again must not overtake.
  hand_over_outgoing();
  for (auto& hook : hooks_) hook();
  hand_over_outgoing();
}

void Worker::hand_over_outgoing() {
  for (auto& batch : outgoing_) {
    if (!batch.tasks.empty()) batch.target->hand_over(std::exchange(batch.tasks, {}));
  }
}

void Worker::post(Task task) {
  Worker* const self = t_current;
  if (self == nullptr) {
    std::vector<Task> one;
    one.push_back(std::move(task));
    hand_over(std::move(one));
    return;
  }
  for (auto& batch : self->outgoing_) {
    if (batch.target == this) {
      batch.tasks.push_back(std::move(task));
      return;
    }
  }
  self->outgoing_.push_back({this, {}});
  self->outgoing_.back().tasks.push_back(std::move(task));
}

void Worker::hand_over(std::vector<Task> tasks) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = mailbox_.empty();
    if (wake) {
      mailbox_ = std::move(tasks);
    } else {
      mailbox_.insert(mailbox_.end(), std::make_move_iterator(tasks.begin()), std::make_move_iterator(tasks.end()));
    }
    depth_.store(mailbox_.size(), std::memory_order_relaxed);
  }
  if (wake) boost::asio::post(context_, [this] { drain_mailbox(); });
}

void Worker::drain_mailbox() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(mailbox_);
    depth_.store(0, std::memory_order_relaxed);
  }
  for (auto& task : running_) task();
  running_.clear();
}

}  // namespace godwit
