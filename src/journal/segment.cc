#include "journal/segment.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "journal/little_endian.h"

namespace godwit {
namespace {

constexpr std::string_view kMagic = "GODWITJ1";
constexpr std::uint32_t kUnsyncedFlag = 1;

constexpr std::size_t kSegmentChecksumAt = 0;
constexpr std::size_t kMagicAt = 8;
constexpr std::size_t kSegmentFirstLsnAt = 16;
constexpr std::size_t kSeedAt = 24;
constexpr std::size_t kFlagsAt = 32;

std::uint64_t checksum(const char* header) {
  return XXH3_64bits(header + kMagicAt, kSegmentHeaderBytes - kMagicAt);
}

// The number between `prefix` and ".log".
std::optional<std::uint64_t> number_in(std::string_view name, std::string_view prefix, int base) {
  constexpr std::string_view kSuffix = ".log";
  if (!name.starts_with(prefix) || !name.ends_with(kSuffix)) return std::nullopt;
  if (name.size() <= prefix.size() + kSuffix.size()) return std::nullopt;
  name = name.substr(prefix.size(), name.size() - prefix.size() - kSuffix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number, base);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

}  // namespace

std::array<char, kSegmentHeaderBytes> encode_segment_header(const SegmentHeader& header) {
  std::array<char, kSegmentHeaderBytes> out{};
  std::memcpy(out.data() + kMagicAt, kMagic.data(), kMagic.size());
  store_u64(out.data() + kSegmentFirstLsnAt, header.first.value);
  store_u64(out.data() + kSeedAt, header.seed);
  store_u32(out.data() + kFlagsAt, header.unsynced ? kUnsyncedFlag : 0);
  store_u64(out.data() + kSegmentChecksumAt, checksum(out.data()));
  return out;
}

std::optional<SegmentHeader> parse_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || bytes.substr(kMagicAt, kMagic.size()) != kMagic)
    return std::nullopt;
  if (load_u64(bytes.data() + kSegmentChecksumAt) != checksum(bytes.data())) return std::nullopt;
  return SegmentHeader{Lsn(load_u64(bytes.data() + kSegmentFirstLsnAt)), load_u64(bytes.data() + kSeedAt),
                       (load_u32(bytes.data() + kFlagsAt) & kUnsyncedFlag) != 0};
}

std::string segment_name(Lsn first) {
  char name[32];
  std::snprintf(name, sizeof name, "journal-%016llx.log", static_cast<unsigned long long>(first.value));
  return name;
}

std::optional<Lsn> parse_segment_name(std::string_view name) {
  const auto number = number_in(name, "journal-", 16);
  return number ? std::optional(Lsn(*number)) : std::nullopt;
}

std::string spare_name(std::uint64_t number) {
  return "spare-" + std::to_string(number) + ".log";
}

std::optional<std::uint64_t> parse_spare_name(std::string_view name) {
  return number_in(name, "spare-", 10);
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

bool sync_directory(const std::string& directory) {
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd && ::fsync(fd.get()) == 0;
}

}  // namespace godwit
