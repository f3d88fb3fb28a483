// A journal block: the records of one group commit, readable as a whole or not at all.
// docs/storage-format.md has the grammar with a worked example.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "godwit/ids.h"

namespace godwit {

inline constexpr std::size_t kBlockHeaderBytes = 32;
inline constexpr std::string_view kBlockMagic = "GWJB";
// Where the magic stands in a block.
inline constexpr std::size_t kBlockMagicAt = 8;

// What `record_bytes` take in a block: a varint of the length, and themselves.
std::size_t framed_bytes(std::size_t record_bytes);

// Appends one block to a buffer: construct, add() each record, finish().
class BlockBuilder {
 public:
  // `seed` is the segment's: it keys the checksum.
  BlockBuilder(std::string& out, Lsn first, std::uint64_t seed);
  void add(std::string_view record);
  void finish();

 private:
  std::string& out_;
  const std::size_t begin_;
  const Lsn first_;
  const std::uint64_t seed_;
  std::uint32_t records_ = 0;
};

// A block that was found whole. The view is into the bytes that were parsed.
struct Block {
  Lsn first;
  std::uint32_t records = 0;
  std::string_view payload;

  std::size_t bytes() const { return kBlockHeaderBytes + payload.size(); }
};

// The block at the beginning of `bytes`; none when it is torn, damaged, or of another segment.
std::optional<Block> parse_block(std::string_view bytes, std::uint64_t seed);

// What a block that need not be whole says of its first record; none without the magic.
std::optional<Lsn> first_lsn_field(std::string_view bytes);

// Takes the next record off `payload`; none when the framing is wrong.
std::optional<std::string_view> next_record(std::string_view& payload);

}  // namespace godwit
