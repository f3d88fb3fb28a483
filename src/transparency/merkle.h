// The Merkle tree of RFC 9162, section 2.1, and what can be proved by it. docs/protocol/keys.md, "Proofs", has the
// multi-proof with a worked example. Nothing here knows what a leaf stands for.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

namespace godwit {

// SHA-256.
using TreeHash = std::array<std::uint8_t, 32>;

inline std::string_view view(const TreeHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

TreeHash leaf_hash(std::string_view entry);
TreeHash node_hash(const TreeHash& left, const TreeHash& right);

// All complete subtrees in memory: 64 bytes a leaf. The tree of any smaller size is within it. Owner: one thread.
class MerkleTree {
 public:
  std::uint64_t size() const { return levels_.empty() ? 0 : levels_[0].size(); }
  const TreeHash& leaf(std::uint64_t index) const { return levels_[0][index]; }

  void append(const TreeHash& leaf);
  // Precondition here and below: no size is beyond the tree's, no leaf beyond the size.
  void truncate(std::uint64_t size);

  // Of size 0: the hash of nothing.
  TreeHash root(std::uint64_t size) const;
  // Proof that the tree of size `from` is a beginning of that of size `to` (section 2.1.4); empty from 0.
  std::vector<TreeHash> consistency(std::uint64_t from, std::uint64_t to) const;
  // Proof that the leaves (ascending, each once) are in the tree of that size: what their hashes lack for its root.
  // At most about leaves * log2(size / leaves) hashes.
  std::vector<TreeHash> inclusion(std::span<const std::uint64_t> leaves, std::uint64_t size) const;

 private:
  TreeHash subtree(std::uint64_t begin, std::uint64_t end) const;
  void prove_consistency(std::uint64_t begin, std::uint64_t middle, std::uint64_t end, bool known,
                         std::vector<TreeHash>& proof) const;
  void prove_inclusion(std::span<const std::uint64_t> leaves, std::uint64_t begin, std::uint64_t end,
                       std::vector<TreeHash>& proof) const;

  // By height: roots of the complete subtrees of 2^height leaves, from the left.
  std::vector<std::deque<TreeHash>> levels_;
};

struct ProvedLeaf {
  std::uint64_t index = 0;
  TreeHash hash{};
};

// The other side's part. True when the proof holds; never trusts what it is given.
bool verify_consistency(std::uint64_t from, const TreeHash& from_root, std::uint64_t to, const TreeHash& to_root,
                        std::span<const TreeHash> proof);
// `leaves` ascending, each once.
bool verify_inclusion(std::span<const ProvedLeaf> leaves, std::uint64_t size, const TreeHash& root,
                      std::span<const TreeHash> proof);

}  // namespace godwit
