#include "journal/disk_calls.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace godwit {
namespace {

constexpr std::size_t kFillChunk = 1 << 20;

// In chunks that go to the disk as they are written: one sync of the whole would make the committer's syncs
// queue behind it.
int fill_with_zeros(int fd, std::uint64_t size) {
  // Tells at once when there is no room. File systems that cannot are asked by writing.
  if (::fallocate(fd, 0, 0, static_cast<off_t>(size)) != 0 && errno != EOPNOTSUPP) return -1;
  const std::vector<char> zeros(kFillChunk);
  for (std::uint64_t at = 0; at < size;) {
    const std::size_t chunk = static_cast<std::size_t>(std::min<std::uint64_t>(kFillChunk, size - at));
    const ssize_t n = ::pwrite(fd, zeros.data(), chunk, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    at += static_cast<std::uint64_t>(n);
    if (::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE) != 0) return -1;
  }
  return ::fsync(fd);
}

std::uint64_t free_bytes_in(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace

DiskCalls DiskCalls::real() {
  return {
      [](int fd, const void* data, std::size_t size, std::uint64_t offset) {
        return ::pwrite(fd, data, size, static_cast<off_t>(offset));
      },
      [](int fd) { return ::fdatasync(fd); },
      fill_with_zeros,
      free_bytes_in,
  };
}

bool write_fully(const DiskCalls& disk, int fd, const char* data, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t n = disk.write(fd, data, size, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) {
      errno = EIO;
      return false;
    }
    data += n;
    size -= static_cast<std::size_t>(n);
    offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

}  // namespace godwit
