// The files of the journal: prepared ahead, taken, retired, used again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "journal/disk_calls.h"
#include "journal/segment.h"

namespace godwit {

// A helper thread does all that would keep the committer waiting: it fills files with zeros, renames, deletes
// and watches the free space. A switch of segments costs the committer a lock.
//
// Bounds: kSpares files are kept ready, up to kMaxSpares when trimmed ones can be used again; the rest is
// deleted. When the disk is full or nearly so, has_space() is false, until a check, once a second, finds it
// otherwise.
class SegmentPool {
 public:
  struct Options {
    std::string directory;
    std::uint64_t segment_bytes;
    std::uint64_t min_free_bytes;
    bool sync;
  };
  // A segment in use.
  struct Live {
    Lsn first;
    std::string path;
  };
  static constexpr std::size_t kSpares = 2;
  static constexpr std::size_t kMaxSpares = 8;

  SegmentPool(const DiskCalls& disk, Options options);
  ~SegmentPool();

  // What recovery has found: segments in use in ascending order, and files that may be used again.
  void start(std::vector<Live> live, std::vector<std::string> unused);
  void stop();

  // Committer. A file of zeros or of blocks under another seed, which counts as in use from now on. Waits
  // while one is being prepared; none when none can be.
  std::optional<SegmentFile> take(Lsn first);
  // Committer. The first block of the file taken last is on the disk: it may get its final name.
  void first_block_written();
  // Segments that begin before this are deleted when they are trimmed, and spares that were used before, at
  // once. Any thread.
  void discard_before(Lsn first);
  // Records up to here are not needed. Any thread.
  void trim(Lsn upto);

  bool has_space() const { return has_space_.load(std::memory_order_relaxed); }
  std::size_t live_count() const;

 private:
  void run();
  void update_space();
  bool work(std::unique_lock<std::mutex>& lock);
  void rename_written(std::unique_lock<std::mutex>& lock);
  void reuse_or_delete(std::unique_lock<std::mutex>& lock);
  void prepare(std::unique_lock<std::mutex>& lock);
  std::optional<SegmentFile> wipe(const std::string& path);
  std::optional<SegmentFile> make();
  std::string next_spare_path();

  // Constant.
  const DiskCalls& disk_;
  const Options options_;

  std::atomic<bool> has_space_{true};
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::condition_variable ready_;
  std::deque<Live> live_;
  std::vector<SegmentFile> spares_;
  struct Retired {
    std::string path;
    bool discard;
  };
  std::vector<Retired> retired_;
  Lsn discard_before_;
  std::vector<Lsn> to_rename_;   // those of live_ that wait for their final names
  bool free_enough_ = true;      // as of the last check
  bool prepare_failed_ = false;  // the last attempt
  bool prepare_again_ = false;   // another attempt is due
  bool stopping_ = false;

  std::uint64_t next_spare_ = 0;  // helper only
  std::thread thread_;
};

}  // namespace godwit
