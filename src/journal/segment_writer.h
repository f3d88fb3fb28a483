// The segment that is being written.
#pragma once

#include <cstdint>
#include <string>

#include "journal/disk_calls.h"
#include "journal/segment.h"

namespace godwit {

// Writes whole pages: a page that is written in part would first be read from the disk when it has left the
// page cache, as it has in a file that is used again. So the last, partly filled page is kept in memory and
// written again, with the same bytes and what follows them.
//
// Owner: the committer.
class SegmentWriter {
 public:
  // `segment_bytes` is a multiple of kPageBytes.
  SegmentWriter(const DiskCalls& disk, std::uint64_t segment_bytes, bool sync)
      : disk_(disk), segment_bytes_(segment_bytes), sync_(sync) {}

  // Continues in a fresh file. Its header is written with the first block.
  void open(SegmentFile file, const SegmentHeader& header);

  // Whether a segment is open and has room for a block of so many bytes.
  bool fits(std::uint64_t block_bytes) const {
    return file_.fd && pages_at_ + pages_.size() + block_bytes <= segment_bytes_;
  }
  // The most that a block in a fresh file may have.
  static std::uint64_t capacity(std::uint64_t segment_bytes) { return segment_bytes - kSegmentHeaderBytes; }

  const SegmentHeader& header() const { return header_; }
  // Where the next block is appended.
  std::string& pages() { return pages_; }
  // Writes what was appended, and syncs it. When it fails, nobody knows what is on the disk: write no more.
  bool flush();

 private:
  // Constant.
  const DiskCalls& disk_;
  const std::uint64_t segment_bytes_;
  const bool sync_;

  SegmentFile file_;
  SegmentHeader header_;
  // What the file has, or shall have, from `pages_at_` on, which is a multiple of kPageBytes.
  std::string pages_;
  std::uint64_t pages_at_ = 0;
};

}  // namespace godwit
