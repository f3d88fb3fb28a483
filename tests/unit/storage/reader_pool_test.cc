#include "storage/reader_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace godwit {
namespace {

double waiting(Metrics& metrics) {
  const std::string text = metrics.render();
  const std::string name = "\ngodwit_store_reads_waiting ";
  return std::stod(text.substr(text.find(name) + name.size()));
}

TEST(ReaderPoolTest, every_task_runs_once_before_stop_returns) {
  Metrics metrics;
  std::atomic<int> ran{0};
  ReaderPool pool(3, metrics);
  for (int i = 0; i < 10'000; ++i) pool.post([&] { ++ran; });
  pool.stop();
  pool.stop();
  EXPECT_EQ(ran, 10'000);
}

TEST(ReaderPoolTest, tasks_run_side_by_side) {
  Metrics metrics;
  ReaderPool pool(2, metrics);
  std::promise<void> first;
  std::promise<void> second;
  pool.post([&] {
    first.set_value();
    second.get_future().wait();
  });
  pool.post([&] {
    first.get_future().wait();
    second.set_value();
  });
  pool.stop();
}

TEST(ReaderPoolTest, depth_is_a_metric) {
  Metrics metrics;
  ReaderPool pool(1, metrics);
  std::promise<void> running;
  std::promise<void> go;
  pool.post([&] {
    running.set_value();
    go.get_future().wait();
  });
  running.get_future().wait();
  pool.post([] {});
  pool.post([] {});
  EXPECT_EQ(waiting(metrics), 2);
  go.set_value();
  pool.stop();
  EXPECT_EQ(waiting(metrics), 0);
}

}  // namespace
}  // namespace godwit
