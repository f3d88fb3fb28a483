// The calls by which the journal reaches the disk. Tests replace them to fail, tear or lose writes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace godwit {

// Constant once the journal has them; called from its committer and its helper thread. Each fails as the
// system call does: -1 and errno.
struct DiskCalls {
  std::function<ssize_t(int fd, const void* data, std::size_t size, std::uint64_t offset)> write;  // pwrite
  std::function<int(int fd)> sync;  // fdatasync
  // Fills a new file with zeros, so that later writes and syncs change no metadata.
  std::function<int(int fd, std::uint64_t size)> fill;
  // Bytes that an unprivileged process may still write under `directory`.
  std::function<std::uint64_t(const std::string& directory)> free_bytes;

  static DiskCalls real();
};

// Writes all of it, over short writes and interruptions; false with errno otherwise.
bool write_fully(const DiskCalls& disk, int fd, const char* data, std::size_t size, std::uint64_t offset);

}  // namespace godwit
