// Files that nobody but their owner may read: mode 0600, directories 0700.
// All functions throw std::system_error when the file system refuses.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace godwit::cli {

// An open file descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }

 private:
  int fd_;
};

// With its parents. An existing directory loses its access for others.
void make_private_dir(const std::filesystem::path& dir);

// Nothing when there is no such file. At most 16 MiB are accepted.
std::optional<std::string> read_private_file(const std::filesystem::path& file);

// Whatever crashes, the file has its old contents or the new ones.
void write_private_file(const std::filesystem::path& file, std::string_view contents);

// Makes the removal or renaming of files in `dir` durable.
void sync_dir(const std::filesystem::path& dir);

void write_all(int fd, std::string_view bytes);

// One process at a time uses a profile; the lock goes with the process. Throws std::runtime_error when it is
// not free within `patience`.
class ProfileLock {
 public:
  ProfileLock(const std::filesystem::path& file, std::chrono::milliseconds patience);

 private:
  Fd fd_;
};

}  // namespace godwit::cli
