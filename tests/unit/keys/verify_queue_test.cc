#include "keys/verify_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>
#include <vector>

namespace godwit {
namespace {

class Checks : public KeyVerification {
 public:
  Checks(std::size_t pieces, std::function<void(std::size_t)> check = [](std::size_t) {}) : taken_(pieces), check_(std::move(check)) {}

  std::size_t prepare() override {
    ++prepared_;
    return taken_.size();
  }
  void verify(std::size_t piece) override {
    EXPECT_EQ(prepared_, 1);
    ++taken_.at(piece);
    check_(piece);
  }
  void finish() override {
    for (const auto& times : taken_) EXPECT_EQ(times, 1);
    finished_.set_value();
  }

  bool waits() { return end_.wait_for(std::chrono::seconds(20)) != std::future_status::ready; }

 private:
  std::atomic<int> prepared_ = 0;
  std::vector<std::atomic<int>> taken_;
  std::function<void(std::size_t)> check_;
  std::promise<void> finished_;
  std::future<void> end_ = finished_.get_future();
};

class VerifyQueueTest : public testing::Test {
 protected:
  Metrics metrics_;
  ReaderPool readers_{3, metrics_};
  VerifyQueue queue_{readers_, 1'000, metrics_};
};

TEST_F(VerifyQueueTest, Each_piece_is_checked_once_and_then_all_is_finished) {
  std::vector<std::shared_ptr<Checks>> all;
  for (std::size_t pieces = 0; pieces < 40; ++pieces) all.push_back(std::make_shared<Checks>(pieces));
  for (const auto& checks : all) EXPECT_TRUE(queue_.post(10, checks));
  for (const auto& checks : all) EXPECT_FALSE(checks->waits());
}

TEST_F(VerifyQueueTest, Pieces_of_one_request_are_checked_by_all_readers_at_once) {
  std::atomic<int> together = 0;
  const auto checks = std::make_shared<Checks>(3, [&](std::size_t) {
    ++together;
    for (int i = 0; i < 10'000 && together < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(together, 3);
  });
  EXPECT_TRUE(queue_.post(10, checks));
  EXPECT_FALSE(checks->waits());
}

TEST_F(VerifyQueueTest, What_is_to_be_read_waits_for_a_piece_and_not_for_all) {
  ReaderPool one{1, metrics_};
  VerifyQueue queue{one, 1'000, metrics_};
  std::atomic<std::size_t> checked = 0;
  std::promise<void> begun;
  std::promise<void> posted;
  const auto checks = std::make_shared<Checks>(50, [&](std::size_t piece) {
    if (piece == 0) {
      begun.set_value();
      posted.get_future().wait();
    }
    ++checked;
  });
  EXPECT_TRUE(queue.post(10, checks));
  begun.get_future().wait();
  std::promise<std::size_t> read;
  one.post([&] { read.set_value(checked); });
  posted.set_value();
  EXPECT_LE(read.get_future().get(), 2U);
  EXPECT_FALSE(checks->waits());
  one.stop();
}

TEST_F(VerifyQueueTest, What_is_too_much_to_wait_is_refused_until_something_is_done) {
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  const auto first = std::make_shared<Checks>(1, [&](std::size_t) { gone.wait(); });
  const auto second = std::make_shared<Checks>(1);
  EXPECT_TRUE(queue_.post(600, first));
  EXPECT_FALSE(queue_.post(600, second));
  go.set_value();
  EXPECT_FALSE(first->waits());
  for (int i = 0; i < 10'000 && !queue_.post(600, second); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(second->waits());
}

}  // namespace
}  // namespace godwit
