// A journal in a directory of its own, the verbs of its tests, and a disk that fails on demand.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "journal/local_journal.h"
#include "storage/record.h"

namespace godwit {

// The real disk, with faults. It remembers what was overwritten since the last sync of each file, so that a
// loss of power can be played.
class FaultyDisk {
 public:
  struct Undo {
    int fd;  // a duplicate: it outlives renames
    std::uint64_t offset;
    std::string before;
  };

  ~FaultyDisk() { forget(-1); }

  DiskCalls calls() {
    DiskCalls real = DiskCalls::real();
    DiskCalls faulty = real;
    faulty.write = [this, real](int fd, const void* data, std::size_t size, std::uint64_t offset) -> ssize_t {
      std::lock_guard lock(mutex_);
      if (dead_) return fail(EIO);
      if (fail_at_ > 0 && --fail_at_ == 0) {
        dead_ = true;
        const std::size_t torn = std::min(tear_after_, size);
        if (torn > 0) record(fd, torn, offset);
        if (torn > 0 && real.write(fd, data, torn, offset) < 0) return -1;
        return fail(EIO);
      }
      record(fd, size, offset);
      return real.write(fd, data, size, offset);
    };
    faulty.sync = [this, real](int fd) {
      std::lock_guard lock(mutex_);
      if (dead_ || (fail_at_ > 0 && --fail_at_ == 0)) {
        dead_ = true;
        return static_cast<int>(fail(EIO));
      }
      ++syncs_;
      forget(fd);
      return real.sync(fd);
    };
    faulty.fill = [this, real](int fd, std::uint64_t size) {
      {
        std::lock_guard lock(mutex_);
        ++fills_;
        if (fill_errno_ != 0) return static_cast<int>(fail(fill_errno_));
      }
      return real.fill(fd, size);
    };
    faulty.free_bytes = [this](const std::string&) {
      std::lock_guard lock(mutex_);
      ++space_checks_;
      return free_;
    };
    return faulty;
  }

  // The n-th write or sync from now on fails, and all after it. A write is torn after so many bytes.
  void fail_nth(int n, std::size_t tear_after = 0) {
    std::lock_guard lock(mutex_);
    fail_at_ = n;
    tear_after_ = tear_after;
  }
  void fill_fails_with(int error) {
    std::lock_guard lock(mutex_);
    fill_errno_ = error;
  }
  void set_free(std::uint64_t bytes) {
    std::lock_guard lock(mutex_);
    free_ = bytes;
  }
  // What was not synced is gone; each write may or may not have reached the disk: `keeps(i)` says which.
  void lose_power(const std::function<bool(std::size_t)>& keeps = [](std::size_t) { return false; }) {
    std::lock_guard lock(mutex_);
    for (std::size_t i = undo_.size(); i-- > 0;) {
      const Undo& u = undo_[i];
      if (keeps(i)) continue;
      if (::pwrite(u.fd, u.before.data(), u.before.size(), static_cast<off_t>(u.offset)) < 0) std::abort();
    }
  }
  std::size_t unsynced_writes() {
    std::lock_guard lock(mutex_);
    return undo_.size();
  }
  int syncs() {
    std::lock_guard lock(mutex_);
    return syncs_;
  }
  int space_checks() {
    std::lock_guard lock(mutex_);
    return space_checks_;
  }
  int fills() {
    std::lock_guard lock(mutex_);
    return fills_;
  }

 private:
  static ssize_t fail(int error) {
    errno = error;
    return -1;
  }
  void record(int fd, std::size_t size, std::uint64_t offset) {
    Undo undo{::dup(fd), offset, std::string(size, '\0')};
    if (::pread(undo.fd, undo.before.data(), size, static_cast<off_t>(offset)) < 0) std::abort();
    undo_.push_back(std::move(undo));
  }
  // What was written to the file of `fd` (-1: to any) is on the disk.
  void forget(int fd) {
    struct stat synced {};
    if (fd >= 0) ::fstat(fd, &synced);
    std::erase_if(undo_, [&](const Undo& u) {
      struct stat info {};
      ::fstat(u.fd, &info);
      const bool same = fd < 0 || info.st_ino == synced.st_ino;
      if (same) ::close(u.fd);
      return same;
    });
  }

  std::mutex mutex_;
  std::vector<Undo> undo_;
  bool dead_ = false;
  int fail_at_ = 0;
  std::size_t tear_after_ = 0;
  int fill_errno_ = 0;
  std::uint64_t free_ = 1ULL << 40;
  int syncs_ = 0;
  int space_checks_ = 0;
  int fills_ = 0;
};

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
