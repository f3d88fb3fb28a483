#include "tools/cli/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace godwit::cli {
namespace {

constexpr std::size_t kMaxFileBytes = 16 << 20;

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

Fd open_file(const std::filesystem::path& path, int flags) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (fd.get() < 0) fail(path);
  return fd;
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

void make_private_dir(const std::filesystem::path& dir) {
  if (dir.has_parent_path()) std::filesystem::create_directories(dir.parent_path());
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) fail(dir);
  if (::chmod(dir.c_str(), 0700) != 0) fail(dir);
}

std::optional<std::string> read_private_file(const std::filesystem::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    fail(file);
  }
  std::string contents;
  char buffer[1 << 14];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n == 0) return contents;
    if (n < 0) fail(file);
    contents.append(buffer, static_cast<std::size_t>(n));
    if (contents.size() > kMaxFileBytes) {
      errno = EFBIG;
      fail(file);
    }
  }
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), "write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void write_private_file(const std::filesystem::path& file, std::string_view contents) {
  const std::filesystem::path fresh = file.string() + ".tmp";
  {
    const Fd fd = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    write_all(fd.get(), contents);
    if (::fsync(fd.get()) != 0) fail(fresh);
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0) fail(file);
  sync_dir(file.parent_path());
}

void sync_dir(const std::filesystem::path& dir) {
  const Fd fd = open_file(dir, O_RDONLY | O_DIRECTORY);
  if (::fsync(fd.get()) != 0) fail(dir);
}

ProfileLock::ProfileLock(const std::filesystem::path& file, std::chrono::milliseconds patience)
    : fd_(open_file(file, O_RDWR | O_CREAT)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) fail(file);
    if (std::chrono::steady_clock::now() >= deadline) {
      throw std::runtime_error("the profile is in use by another godwit-cli: " + file.parent_path().string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace godwit::cli
