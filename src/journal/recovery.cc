#include "journal/recovery.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/log.h"
#include "journal/block.h"
#include "journal/disk_calls.h"
#include "journal/segment.h"
#include "storage/record.h"

namespace godwit {
namespace {

struct Found {
  std::string path;
  // None: the file has the name of a segment, but no valid header.
  std::optional<SegmentHeader> header;
  Lsn first;
};

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("cannot recover the journal: " + path + " " + why +
                           "; restore a backup, or move the journal away to give up what it alone holds");
}

[[noreturn]] void refuse_errno(const std::string& path, const char* what) {
  throw std::runtime_error("cannot recover the journal: " + path + " " + what + " (" + std::strerror(errno) +
                           ")");
}

std::string read_range(const std::string& path, std::size_t size) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) refuse_errno(path, "cannot be opened");
  std::string bytes(size, '\0');
  std::size_t at = 0;
  while (at < size) {
    const ssize_t n = ::pread(fd.get(), bytes.data() + at, size - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse_errno(path, "cannot be read");
    if (n == 0) break;
    at += static_cast<std::size_t>(n);
  }
  bytes.resize(at);
  return bytes;
}

// Puts the last block, from `begin` to the end of `bytes`, on stable storage. A killed process may have
// written it and not synced it; and when its sync failed, the system forgot that the pages were never
// written, and would sync nothing. So they are written once more.
void settle(const std::string& path, std::string_view bytes, std::size_t begin) {
  begin = begin / kPageBytes * kPageBytes;
  const Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd || !write_fully(DiskCalls::real(), fd.get(), bytes.data() + begin, bytes.size() - begin, begin) ||
      ::fdatasync(fd.get()) != 0) {
    refuse_errno(path, "cannot be synced");
  }
}

// Makes sure that a file is never taken for a segment again.
void give_up(const std::string& path) {
  if (::unlink(path.c_str()) != 0) refuse_errno(path, "cannot be deleted");
}

// The segments in the directory, ascending; spare files go to `unused`.
std::vector<Found> find_segments(const std::string& directory, std::vector<std::string>& unused) {
  std::vector<Found> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    const auto named = parse_segment_name(name);
    if (!named && !parse_spare_name(name)) continue;
    const auto header = parse_segment_header(read_range(entry.path().string(), kSegmentHeaderBytes));
    if (header) {
      found.push_back({entry.path().string(), header, header->first});
    } else if (named) {
      found.push_back({entry.path().string(), header, *named});
    } else {
      unused.push_back(entry.path().string());
    }
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.first < b.first; });
  return found;
}

// Whether a block that follows `expected` stands anywhere in `rest`, where no block should be.
bool holds_later_block(std::string_view rest, std::uint64_t seed, Lsn expected) {
  for (std::size_t at = rest.find(kBlockMagic); at != std::string_view::npos;
       at = rest.find(kBlockMagic, at + 1)) {
    if (at < kBlockMagicAt) continue;
    const auto block = parse_block(rest.substr(at - kBlockMagicAt), seed);
    if (block && block->first >= expected) return true;
  }
  return false;
}

// Whether a write was under way at `end`. What an earlier use of the file left behind does not count: a
// block is followed by zeros up to the end of its page, and an old block has a lower position.
bool looks_torn(std::string_view bytes, std::size_t end, Lsn expected) {
  const std::size_t page_end = std::min(bytes.size(), (end + kPageBytes - 1) / kPageBytes * kPageBytes);
  if (end < page_end) {
    return bytes.substr(end, page_end - end).find_first_not_of('\0') != std::string_view::npos;
  }
  return first_lsn_field(bytes.substr(end)) == expected;
}

class Walk {
 public:
  Walk(Lsn from, Lsn expected, const Journal::Replay& replay)
      : from_(from), expected_(expected), replay_(replay) {}

  Lsn expected() const { return expected_; }

  // Replays one segment. Returns whether it held any block.
  bool segment(const Found& segment) {
    const std::string bytes = read_range(segment.path, std::filesystem::file_size(segment.path));
    const std::uint64_t seed = segment.header->seed;
    std::size_t at = kSegmentHeaderBytes;
    std::size_t last_block_at = 0;
    for (;;) {
      const auto block = parse_block(std::string_view(bytes).substr(at), seed);
      if (!block || block->first != expected_) break;
      replay_block(segment, *block);
      last_block_at = at;
      at += block->bytes();
    }
    const std::string_view all(bytes);
    if (holds_later_block(all.substr(at), seed, expected_)) {
      if (!segment.header->unsynced) {
        refuse(segment.path, "is damaged at byte " + std::to_string(at) + ", and whole records follow");
      }
      log_warning("journal_records_lost", {{"path", segment.path}, {"from_lsn", expected_}});
    } else if (looks_torn(all, at, expected_)) {
      log_warning("journal_tail_repaired", {{"path", segment.path}, {"byte", at}, {"next_lsn", expected_}});
    }
    if (last_block_at == 0) return false;
    settle(segment.path, all.substr(0, at), last_block_at);
    return true;
  }

 private:
  void replay_block(const Found& segment, const Block& block) {
    std::string_view payload = block.payload;
    for (std::uint32_t i = 0; i < block.records; ++i) {
      const auto encoded = next_record(payload);
      if (!encoded) refuse(segment.path, "has a block that does not hold what it says");
      const Lsn lsn(block.first.value + i);
      if (lsn <= from_) continue;
      auto record = std::make_shared<Record>();
      record->lsn = lsn;
      if (!record->body.ParseFromArray(encoded->data(), static_cast<int>(encoded->size()))) {
        refuse(segment.path, "has a record that cannot be decoded");
      }
      replay_(std::move(record));
    }
    expected_ = Lsn(block.first.value + block.records);
  }

  const Lsn from_;
  Lsn expected_;
  const Journal::Replay& replay_;
};

}  // namespace

RecoveredLog recover_log(const std::string& directory, Lsn from, const Journal::Replay& replay) {
  RecoveredLog log;
  log.last = from;
  const std::vector<Found> found = find_segments(directory, log.unused);
  // The segment that holds the first record needed is the last that begins at or before it.
  const auto after = std::find_if(found.begin(), found.end(),
                                  [&](const Found& f) { return f.first.value > from.value + 1; });
  if (after == found.begin() && after != found.end()) {
    refuse(after->path,
           "is the first segment, but records from " + std::to_string(from.value + 1) + " on are needed");
  }
  if (found.empty()) return log;
  const auto start = std::prev(after);
  for (auto it = found.begin(); it != start; ++it) log.unused.push_back(it->path);

  Walk walk(from, start->first, replay);
  bool unsynced = false;
  for (auto it = start; it != found.end(); ++it) {
    if (!it->header) refuse(it->path, "has no valid header");
    const bool follows = it->first == walk.expected();
    if (!follows && !(unsynced && it->first > walk.expected())) {
      refuse(it->path, "begins at record " + std::to_string(it->first.value) + ", but " +
                           std::to_string(walk.expected().value) +
                           " should follow: a segment is missing or damaged");
    }
    if (follows && walk.segment(*it)) {
      log.live.push_back({it->first, it->path});
      unsynced = it->header->unsynced;
    } else {
      // A file gets its final name when its first block is on the disk.
      const bool named = parse_segment_name(std::filesystem::path(it->path).filename().string()).has_value();
      if (follows && named) refuse(it->path, "is damaged at its first block");
      if (!follows) log_warning("journal_records_lost", {{"path", it->path}, {"from_lsn", walk.expected()}});
      give_up(it->path);
    }
  }
  if (!sync_directory(directory)) refuse_errno(directory, "cannot be synced");
  log.last = Lsn(std::max(from.value, walk.expected().value - 1));
  return log;
}

}  // namespace godwit
