#include "journal/segment_writer.h"

#include <utility>

namespace godwit {

void SegmentWriter::open(SegmentFile file, const SegmentHeader& header) {
  file_ = std::move(file);
  header_ = header;
  pages_at_ = 0;
  const auto bytes = encode_segment_header(header);
  pages_.assign(bytes.data(), bytes.size());
}

bool SegmentWriter::flush() {
  const std::size_t end = pages_.size();
  pages_.resize((end + kPageBytes - 1) / kPageBytes * kPageBytes);
  if (!write_fully(disk_, file_.fd.get(), pages_.data(), pages_.size(), pages_at_)) return false;
  if (sync_ && disk_.sync(file_.fd.get()) != 0) return false;
  const std::size_t full = end / kPageBytes * kPageBytes;
  pages_.resize(end);
  pages_.erase(0, full);
  pages_at_ += full;
  return true;
}

}  // namespace godwit
