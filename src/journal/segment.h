// A file of the journal: its header, its name, its descriptor.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "godwit/ids.h"

namespace godwit {

inline constexpr std::size_t kSegmentHeaderBytes = 64;
// Pages are written whole: see SegmentWriter.
inline constexpr std::size_t kPageBytes = 4096;

struct SegmentHeader {
  // The first record of the first block.
  Lsn first;
  // Random at every use of the file. It keys the checksums of the blocks, so that neither what an earlier use
  // left behind nor a payload made to look like a block can pass for one.
  std::uint64_t seed = 0;
  // The writer did not sync: after a loss of power, blocks may be missing anywhere.
  bool unsynced = false;
};

std::array<char, kSegmentHeaderBytes> encode_segment_header(const SegmentHeader& header);
// None when it is torn, damaged, or zeros: a file that is not in use.
std::optional<SegmentHeader> parse_segment_header(std::string_view bytes);

// "journal-<first lsn, 16 hex digits>.log": in use.
std::string segment_name(Lsn first);
std::optional<Lsn> parse_segment_name(std::string_view name);
// "spare-<number>.log": prepared for use. In use as well from its first block until it is renamed soon
// after, so only the header tells.
std::string spare_name(std::uint64_t number);
std::optional<std::uint64_t> parse_spare_name(std::string_view name);

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A file that is open for writing, of the size that all new segments have.
struct SegmentFile {
  Fd fd;
  std::string path;
  bool used = false;  // has blocks of former use
};

// Makes the names in a directory durable; false with errno otherwise.
bool sync_directory(const std::string& directory);

}  // namespace godwit
