#include "journal/block.h"

#include <xxhash.h>

#include <cstring>

#include "journal/little_endian.h"

namespace godwit {
namespace {

// Offsets in the header. The checksum covers everything after itself.
constexpr std::size_t kChecksumAt = 0;
constexpr std::size_t kCoveredFrom = 8;
constexpr std::size_t kPayloadBytesAt = 12;
constexpr std::size_t kFirstLsnAt = 16;
constexpr std::size_t kRecordsAt = 24;
constexpr std::size_t kHeaderChecksumAt = 28;

std::uint64_t checksum(const char* block, std::size_t size, std::uint64_t seed) {
  return XXH3_64bits_withSeed(block + kCoveredFrom, size - kCoveredFrom, seed);
}

// Of the header alone: whoever looks for blocks must not hash megabytes for every payload that resembles one.
std::uint32_t header_checksum(const char* block, std::uint64_t seed) {
  return static_cast<std::uint32_t>(
      XXH3_64bits_withSeed(block + kCoveredFrom, kHeaderChecksumAt - kCoveredFrom, seed));
}

}  // namespace

std::size_t framed_bytes(std::size_t record_bytes) {
  std::size_t bytes = record_bytes + 1;
  for (std::size_t rest = record_bytes >> 7; rest != 0; rest >>= 7) ++bytes;
  return bytes;
}

BlockBuilder::BlockBuilder(std::string& out, Lsn first, std::uint64_t seed)
    : out_(out), begin_(out.size()), first_(first), seed_(seed) {
  out_.append(kBlockHeaderBytes, '\0');
}

void BlockBuilder::add(std::string_view record) {
  std::size_t rest = record.size();
  for (; rest >= 0x80; rest >>= 7) out_.push_back(static_cast<char>(rest | 0x80));
  out_.push_back(static_cast<char>(rest));
  out_.append(record);
  ++records_;
}

void BlockBuilder::finish() {
  char* header = out_.data() + begin_;
  const std::size_t size = out_.size() - begin_;
  std::memcpy(header + kBlockMagicAt, kBlockMagic.data(), kBlockMagic.size());
  store_u32(header + kPayloadBytesAt, static_cast<std::uint32_t>(size - kBlockHeaderBytes));
  store_u64(header + kFirstLsnAt, first_.value);
  store_u32(header + kRecordsAt, records_);
  store_u32(header + kHeaderChecksumAt, header_checksum(header, seed_));
  store_u64(header + kChecksumAt, checksum(header, size, seed_));
}

std::optional<Block> parse_block(std::string_view bytes, std::uint64_t seed) {
  if (bytes.size() < kBlockHeaderBytes) return std::nullopt;
  if (bytes.substr(kBlockMagicAt, kBlockMagic.size()) != kBlockMagic) return std::nullopt;
  if (load_u32(bytes.data() + kHeaderChecksumAt) != header_checksum(bytes.data(), seed)) return std::nullopt;
  const std::size_t payload = load_u32(bytes.data() + kPayloadBytesAt);
  if (payload > bytes.size() - kBlockHeaderBytes) return std::nullopt;
  const std::size_t size = kBlockHeaderBytes + payload;
  if (load_u64(bytes.data() + kChecksumAt) != checksum(bytes.data(), size, seed)) return std::nullopt;
  return Block{Lsn(load_u64(bytes.data() + kFirstLsnAt)), load_u32(bytes.data() + kRecordsAt),
               bytes.substr(kBlockHeaderBytes, payload)};
}

std::optional<Lsn> first_lsn_field(std::string_view bytes) {
  if (bytes.size() < kBlockHeaderBytes || !bytes.substr(kBlockMagicAt).starts_with(kBlockMagic))
    return std::nullopt;
  return Lsn(load_u64(bytes.data() + kFirstLsnAt));
}

std::optional<std::string_view> next_record(std::string_view& payload) {
  std::uint64_t size = 0;
  std::size_t at = 0;
  for (int shift = 0;; shift += 7) {
    if (at == payload.size() || shift > 28) return std::nullopt;
    const auto byte = static_cast<unsigned char>(payload[at++]);
    size |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (size > payload.size() - at) return std::nullopt;
  const std::string_view record = payload.substr(at, size);
  payload.remove_prefix(at + size);
  return record;
}

}  // namespace godwit
