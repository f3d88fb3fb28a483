// A journal in a directory of its own, and the verbs of its tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "faulty_disk.h"
#include "journal/local_journal.h"
#include "storage/record.h"

namespace godwit {

class JournalFixture : public ::testing::Test {
 protected:
  JournalFixture() {
    std::string pattern = ::testing::TempDir() + "/godwit-journal-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    options_.directory = directory_ + "/journal";
    options_.segment_bytes = 64 << 10;
    options_.min_free_bytes = 1 << 20;
  }
  ~JournalFixture() override {
    journal_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Opens the journal on a disk without faults, or on `disk`, and keeps what it replays in replayed_.
  void recover(Lsn from = Lsn(0), FaultyDisk* disk = nullptr) {
    journal_.reset();
    metrics_ = std::make_unique<Metrics>();
    replayed_.clear();
    journal_ = std::make_unique<LocalJournal>(options_, *metrics_, disk ? disk->calls() : DiskCalls::real());
    journal_->recover(from,
                      [this](std::shared_ptr<Record> record) { replayed_.push_back(std::move(record)); });
  }
  void start() {
    journal_->start([this](Journal::Batch batch, Errc outcome) {
      if (outcome != Errc::ok && when_failed_) {
        when_failed_();
      } else if (outcome != Errc::ok) {
        journal_->undone();
      }
      std::lock_guard lock(mutex_);
      for (auto& record : batch) outcomes_.emplace_back(record, outcome);
      settled_.notify_all();
    });
  }
  void open(Lsn from = Lsn(0), FaultyDisk* disk = nullptr) {
    recover(from, disk);
    start();
  }
  void close() { journal_.reset(); }

  // What recovery says when it refuses; empty when it does not.
  std::string recover_error(Lsn from = Lsn(0)) {
    try {
      recover(from);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }

  // A disk that outlives the journal on it.
  FaultyDisk& new_disk() { return *disks_.emplace_back(std::make_unique<FaultyDisk>()); }

  static std::shared_ptr<Record> record(const std::string& payload) {
    auto r = std::make_shared<Record>();
    r->body.set_time_ms(1);
    r->body.mutable_message()->set_envelope(payload);
    return r;
  }
  static Journal::Batch batch_of(std::size_t count, const std::string& payload) {
    Journal::Batch batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back(record(payload));
    return batch;
  }

  Errc append(const Journal::Batch& batch) {
    const Errc outcome = journal_->append(batch);
    if (outcome == Errc::ok) appended_ += batch.size();
    return outcome;
  }
  // Appends one record and waits for its outcome.
  Errc append_and_wait(const std::string& payload) {
    auto r = record(payload);
    const Errc outcome = append({r});
    if (outcome != Errc::ok) return outcome;
    wait_settled();
    std::lock_guard lock(mutex_);
    return outcomes_.back().second;
  }
  // Until the sink has had everything that was appended.
  void wait_settled() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(
        settled_.wait_for(lock, std::chrono::seconds(30), [this] { return outcomes_.size() == appended_; }));
  }

  std::vector<std::string> replayed() const {
    std::vector<std::string> payloads;
    for (const auto& r : replayed_) payloads.push_back(r->body.message().envelope());
    return payloads;
  }
  std::vector<std::string> committed_payloads() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> payloads;
    for (const auto& [r, outcome] : outcomes_) {
      if (outcome == Errc::ok) payloads.push_back(r->body.message().envelope());
    }
    return payloads;
  }

  std::vector<std::string> files(const std::string& prefix) const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (entry.path().filename().string().starts_with(prefix)) paths.push_back(entry.path().string());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  template <class F>
  static bool eventually(F condition) {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      ::usleep(10'000);
    }
    return false;
  }

  double metric(const std::string& series) {
    const std::string text = "\n" + metrics_->render();
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }

  std::string directory_;
  std::vector<std::unique_ptr<FaultyDisk>> disks_;
  LocalJournalOptions options_;
  std::unique_ptr<Metrics> metrics_;
  std::vector<std::shared_ptr<Record>> replayed_;
  std::mutex mutex_;
  std::condition_variable settled_;
  std::vector<std::pair<std::shared_ptr<Record>, Errc>> outcomes_;
  std::size_t appended_ = 0;
  std::function<void()> when_failed_;  // in place of undone(), on the committer
  std::unique_ptr<LocalJournal> journal_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace godwit
