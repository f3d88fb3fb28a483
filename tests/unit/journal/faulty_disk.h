// A disk that fails on demand.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "journal/disk_calls.h"

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

}  // namespace godwit
