#include "journal/segment_pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/log.h"

namespace godwit {
namespace {

constexpr std::chrono::seconds kSpaceCheckInterval{1};

void log_failure(std::string_view event, const std::string& path) {
  log_warning(event, {{"path", path}, {"error", std::strerror(errno)}});
}

}  // namespace

SegmentPool::SegmentPool(const DiskCalls& disk, Options options)
    : disk_(disk), options_(std::move(options)) {}

SegmentPool::~SegmentPool() {
  stop();
}

void SegmentPool::start(std::vector<Live> live, std::vector<std::string> unused) {
  live_.assign(std::make_move_iterator(live.begin()), std::make_move_iterator(live.end()));
  for (std::string& path : unused) retired_.push_back({std::move(path), false});
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
    const auto number = parse_spare_name(entry.path().filename().string());
    if (number) next_spare_ = std::max(next_spare_, *number + 1);
  }
  thread_ = std::thread([this] { run(); });
}

void SegmentPool::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  ready_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<SegmentFile> SegmentPool::take(Lsn first) {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [this] { return !spares_.empty() || prepare_failed_ || stopping_; });
  if (spares_.empty()) return std::nullopt;
  SegmentFile file = std::move(spares_.back());
  spares_.pop_back();
  live_.push_back({first, file.path});
  update_space();
  wake_.notify_one();
  return file;
}

void SegmentPool::first_block_written() {
  std::lock_guard lock(mutex_);
  to_rename_.push_back(live_.back().first);
  wake_.notify_one();
}

void SegmentPool::trim(Lsn upto) {
  std::lock_guard lock(mutex_);
  bool any = false;
  while (live_.size() >= 2 && live_[1].first.value <= upto.value + 1) {
    const bool discard = live_.front().first < discard_before_;
    // Whoever asked for it wants it gone when this returns; what is being renamed just now, the helper deletes.
    if (!discard || ::unlink(live_.front().path.c_str()) != 0) {
      retired_.push_back({std::move(live_.front().path), discard});
    }
    live_.pop_front();
    any = true;
  }
  if (any) wake_.notify_one();
}

void SegmentPool::discard_before(Lsn first) {
  std::lock_guard lock(mutex_);
  discard_before_ = first;
  for (Retired& retired : retired_) retired.discard = true;
  std::erase_if(spares_, [&](SegmentFile& spare) {
    if (spare.used && ::unlink(spare.path.c_str()) != 0) retired_.push_back({spare.path, true});
    return spare.used;
  });
  wake_.notify_one();
}

std::size_t SegmentPool::live_count() const {
  std::lock_guard lock(mutex_);
  return live_.size();
}

// Under the lock.
void SegmentPool::update_space() {
  const bool enough = free_enough_ && !(spares_.empty() && prepare_failed_);
  if (has_space_.exchange(enough) == enough) return;
  if (enough) {
    log_info("journal_space_is_back");
  } else {
    log_error("journal_disk_full",
              {{"directory", options_.directory}, {"min_free_bytes", options_.min_free_bytes}});
  }
}

void SegmentPool::run() {
  std::unique_lock lock(mutex_);
  auto next_check = std::chrono::steady_clock::now();
  while (!stopping_) {
    if (std::chrono::steady_clock::now() >= next_check) {
      next_check = std::chrono::steady_clock::now() + kSpaceCheckInterval;
      lock.unlock();
      const bool enough = disk_.free_bytes(options_.directory) >= options_.min_free_bytes;
      lock.lock();
      free_enough_ = enough;
      prepare_again_ = true;
      update_space();
    }
    if (!work(lock)) wake_.wait_until(lock, next_check);
  }
}

// Does one piece of work, the most urgent first. False when there is nothing to do now.
bool SegmentPool::work(std::unique_lock<std::mutex>& lock) {
  if (!to_rename_.empty()) {
    rename_written(lock);
    return true;
  }
  if (!retired_.empty()) {
    reuse_or_delete(lock);
    return true;
  }
  if (spares_.size() < kSpares && (!prepare_failed_ || prepare_again_)) {
    prepare(lock);
    return true;
  }
  return false;
}

// A file that cannot be renamed is found by its header all the same.
void SegmentPool::rename_written(std::unique_lock<std::mutex>& lock) {
  const Lsn first = to_rename_.back();
  to_rename_.pop_back();
  const auto live = std::find_if(live_.begin(), live_.end(), [&](const Live& l) { return l.first == first; });
  if (live == live_.end()) return;
  const std::string from = live->path;
  lock.unlock();
  const std::string to = options_.directory + "/" + segment_name(first);
  // The final name says that there is a header; the committer has synced it, unless it does not sync.
  const Fd fd(options_.sync ? -1 : ::open(from.c_str(), O_RDWR | O_CLOEXEC));
  const bool synced = options_.sync || (fd && disk_.sync(fd.get()) == 0);
  const bool renamed = synced && ::rename(from.c_str(), to.c_str()) == 0;
  if (!renamed || !sync_directory(options_.directory)) log_failure("journal_rename_failed", from);
  lock.lock();
  if (!renamed) return;
  for (Live& l : live_) {
    if (l.path == from) l.path = to;
  }
  for (Retired& retired : retired_) {
    if (retired.path == from) retired.path = to;
  }
}

void SegmentPool::reuse_or_delete(std::unique_lock<std::mutex>& lock) {
  const std::string path = std::move(retired_.back().path);
  const bool wanted = !retired_.back().discard && spares_.size() < kMaxSpares;
  retired_.pop_back();
  lock.unlock();
  std::optional<SegmentFile> file;
  if (wanted) file = wipe(path);
  if (!file && ::unlink(path.c_str()) != 0 && errno != ENOENT) log_failure("journal_delete_failed", path);
  lock.lock();
  if (!file) return;
  spares_.push_back(std::move(*file));
  update_space();
  ready_.notify_all();
}

// The name goes first, durably: a file called journal-... always has a header, or is damaged.
std::optional<SegmentFile> SegmentPool::wipe(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  if (static_cast<std::uint64_t>(info.st_size) != options_.segment_bytes) return std::nullopt;
  SegmentFile file;
  file.used = true;
  file.path = next_spare_path();
  if (::rename(path.c_str(), file.path.c_str()) != 0 || !sync_directory(options_.directory))
    return std::nullopt;
  file.fd = Fd(::open(file.path.c_str(), O_RDWR | O_CLOEXEC));
  static constexpr std::array<char, kPageBytes> kZeros{};
  if (!file.fd || !write_fully(disk_, file.fd.get(), kZeros.data(), kZeros.size(), 0) ||
      disk_.sync(file.fd.get()) != 0) {
    log_failure("journal_reuse_failed", file.path);
    ::unlink(file.path.c_str());
    return std::nullopt;
  }
  return file;
}

void SegmentPool::prepare(std::unique_lock<std::mutex>& lock) {
  prepare_again_ = false;
  lock.unlock();
  auto file = make();
  lock.lock();
  prepare_failed_ = !file;
  if (file) spares_.push_back(std::move(*file));
  update_space();
  ready_.notify_all();
}

std::optional<SegmentFile> SegmentPool::make() {
  if (disk_.free_bytes(options_.directory) < options_.min_free_bytes + options_.segment_bytes)
    return std::nullopt;
  SegmentFile file;
  file.path = next_spare_path();
  file.fd = Fd(::open(file.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd && disk_.fill(file.fd.get(), options_.segment_bytes) == 0 &&
      sync_directory(options_.directory)) {
    return file;
  }
  // Nothing of the journal was in it: whatever the fault, it may be tried again.
  log_failure("journal_prepare_failed", file.path);
  ::unlink(file.path.c_str());
  return std::nullopt;
}

std::string SegmentPool::next_spare_path() {
  return options_.directory + "/" + spare_name(next_spare_++);
}

}  // namespace godwit
