// A store in a directory of its own, and the verbs of its tests.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "godwit/clock.h"
#include "storage/keys.h"
#include "storage/store.h"
#include "store.pb.h"

namespace godwit {

class StoreFixture : public ::testing::Test {
 protected:
  StoreFixture() {
    std::string pattern = ::testing::TempDir() + "/godwit-store-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    options_.directory = directory_ + "/data";
    options_.block_cache_bytes = 8 << 20;
  }
  ~StoreFixture() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  Store& open() {
    store_.reset();
    store_ = std::make_unique<Store>(options_, clock_, metrics_);
    return *store_;
  }
  void close() { store_.reset(); }

  // What opening says when it refuses; empty when it does not.
  std::string open_error() {
    try {
      open();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }

  bool commit(Column column, std::vector<std::pair<std::string, std::string>> rows) {
    CheckpointRows checkpoint;
    for (auto& [key, value] : rows) checkpoint.put(column, std::move(key), std::move(value));
    return store_->commit(std::move(checkpoint), Lsn(++lsn_));
  }

  std::vector<std::string> scan_keys(Column column, std::string_view first, std::string_view last,
                                     bool reverse) {
    std::vector<std::string> keys;
    store_->scan(column, first, last, reverse, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    });
    return keys;
  }

  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  // The sample whose name and labels are `series`, or -1.
  double metric(const std::string& series) {
    const std::string text = "\n" + metrics_.render();
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }

  ManualClock clock_;
  Metrics metrics_;
  std::string directory_;
  StoreOptions options_;
  std::unique_ptr<Store> store_;
  std::atomic<bool> never_{false};  // cancels nothing
  std::uint64_t lsn_ = 0;
};

}  // namespace godwit
