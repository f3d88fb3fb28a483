#include "base/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace godwit {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

// Reads errno: call it before anything else can change it.
Error failure(const char* what, const std::string& path) {
  return Error(Errc::internal,
               std::string(what) + " " + path + ": " + std::generic_category().message(errno));
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Status write_temporary(const std::string& path, std::string_view content) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure("cannot remove", path);
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return failure("cannot create", path);
  if (!write_all(file.get(), content)) return failure("cannot write", path);
  if (::fsync(file.get()) != 0) return failure("cannot sync", path);
  return Unit{};
}

Status sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return failure("cannot open", directory);
  if (::fsync(dir.get()) != 0) return failure("cannot sync", directory);
  return Unit{};
}

}  // namespace

Result<SecretFile> read_secret_file(const std::string& path) {
  SecretFile out;
  // O_NONBLOCK: a FIFO in its place must not hang the start.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    if (errno == ENOENT) return out;
    return failure("cannot open", path);
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return failure("cannot examine", path);
  if (!S_ISREG(info.st_mode)) return Error(Errc::internal, path + " is not a regular file");
  if (static_cast<std::uint64_t>(info.st_size) > kMaxSecretFileBytes) {
    return Error(Errc::internal, path + " is too large");
  }
  out.exists = true;
  out.was_open_to_others = (info.st_mode & 077) != 0;
  if (out.was_open_to_others && ::fchmod(file.get(), 0600) != 0) return failure("cannot protect", path);
  out.content.resize(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (done < out.content.size()) {
    const ssize_t n = ::read(file.get(), out.content.data() + done, out.content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("cannot read", path);
    if (n == 0) return Error(Errc::internal, path + " shrank while it was read");
    done += static_cast<std::size_t>(n);
  }
  return out;
}

Status write_secret_file(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  Status status = write_temporary(temporary, content);
  if (status && ::rename(temporary.c_str(), path.c_str()) != 0) status = failure("cannot replace", path);
  if (!status) {
    ::unlink(temporary.c_str());
    return status;
  }
  return sync_directory_of(path);
}

}  // namespace godwit
