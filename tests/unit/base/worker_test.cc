#include "base/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace godwit {
namespace {

TEST(Worker, Tasks_of_one_thread_run_in_order) {
  Worker worker(0);
  std::vector<int> seen;
  std::promise<void> done;
  worker.start();
  for (int i = 0; i < 1'000; ++i) worker.post([&, i] { seen.push_back(i); });
  worker.post([&] { done.set_value(); });
  done.get_future().wait();
  ASSERT_EQ(seen.size(), 1'000U);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(Worker, Tasks_for_another_worker_arrive_after_the_turn_in_order) {
  Worker a(0);
  Worker b(1);
  std::promise<std::vector<int>> result;
  std::vector<int> seen;
  a.start();
  b.start();
  a.post([&] {
    for (int i = 0; i < 100; ++i) b.post([&seen, i] { seen.push_back(i); });
    b.post([&] { result.set_value(seen); });
  });
  const auto order = result.get_future().get();
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  a.stop();
  a.join();
}

TEST(Worker, Hooks_run_once_per_turn_after_its_tasks) {
  Worker worker(0);
  std::atomic<int> tasks{0};
  std::atomic<int> tasks_at_hook{0};
  std::promise<void> seen;
  bool told = false;
  worker.add_end_of_turn([&] {
    tasks_at_hook = tasks.load();
    if (tasks == 50 && !told) {
      told = true;
      seen.set_value();
    }
  });
  worker.start();
  for (int i = 0; i < 50; ++i) worker.post([&] { ++tasks; });
  seen.get_future().wait();
  EXPECT_EQ(tasks_at_hook, 50);
}

TEST(Worker, Stop_runs_what_was_posted_before) {
  std::atomic<int> ran{0};
  {
    Worker worker(0);
    worker.start();
    for (int i = 0; i < 100; ++i) worker.post([&] { ++ran; });
    worker.stop();
    worker.join();
  }
  EXPECT_EQ(ran, 100);
}

}  // namespace
}  // namespace godwit
