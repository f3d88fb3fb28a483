#include "transparency/merkle.h"

#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <new>

namespace godwit {
namespace {

// OpenSSL uses the processor's instructions where there are any. A context of one's own spares a look-up per hash.
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256() { EVP_MD_CTX_free(context_); }

  TreeHash operator()(std::uint8_t prefix, std::string_view first, std::string_view second = {}) {
    TreeHash hash;
    EVP_DigestInit_ex(context_, nullptr, nullptr);
    EVP_DigestUpdate(context_, &prefix, 1);
    EVP_DigestUpdate(context_, first.data(), first.size());
    EVP_DigestUpdate(context_, second.data(), second.size());
    EVP_DigestFinal_ex(context_, hash.data(), nullptr);
    return hash;
  }
  TreeHash of_nothing() {
    TreeHash hash;
    EVP_DigestInit_ex(context_, nullptr, nullptr);
    EVP_DigestFinal_ex(context_, hash.data(), nullptr);
    return hash;
  }

 private:
  EVP_MD_CTX* const context_;
};

Sha256& sha256() {
  thread_local Sha256 hasher;
  return hasher;
}

// Where a tree of two or more leaves is split: the largest power of two smaller than its size.
std::uint64_t split_of(std::uint64_t size) {
  return std::bit_floor(size - 1);
}

// The leaves before a position, and the others.
template <class T, class Position>
std::pair<std::span<const T>, std::span<const T>> cut(std::span<const T> leaves, std::uint64_t at, Position position) {
  const auto it = std::partition_point(leaves.begin(), leaves.end(), [&](const T& one) { return position(one) < at; });
  const auto count = static_cast<std::size_t>(it - leaves.begin());
  return {leaves.first(count), leaves.subspan(count)};
}

// Computes a root of the wanted leaves and the hashes of a proof.
class Verifier {
 public:
  explicit Verifier(std::span<const TreeHash> proof) : proof_(proof) {}

  TreeHash subtree(std::span<const ProvedLeaf> leaves, std::uint64_t begin, std::uint64_t end) {
    if (leaves.empty()) return next();
    if (end - begin == 1) return leaves[0].hash;
    const std::uint64_t middle = begin + split_of(end - begin);
    const auto [left, right] = cut(leaves, middle, [](const ProvedLeaf& leaf) { return leaf.index; });
    const TreeHash left_hash = subtree(left, begin, middle);
    return node_hash(left_hash, subtree(right, middle, end));
  }
  bool used_up() const { return !short_ && proof_.empty(); }

 private:
  TreeHash next() {
    if (proof_.empty()) {
      short_ = true;
      return {};
    }
    const TreeHash hash = proof_.front();
    proof_ = proof_.subspan(1);
    return hash;
  }

  std::span<const TreeHash> proof_;
  bool short_ = false;
};

}  // namespace

TreeHash leaf_hash(std::string_view entry) {
  return sha256()(0, entry);
}

TreeHash node_hash(const TreeHash& left, const TreeHash& right) {
  return sha256()(1, view(left), view(right));
}

void MerkleTree::append(const TreeHash& leaf) {
  TreeHash hash = leaf;
  for (std::size_t height = 0;; ++height) {
    if (height == levels_.size()) levels_.emplace_back();
    auto& level = levels_[height];
    level.push_back(hash);
    if (level.size() % 2 != 0) return;
    hash = node_hash(level[level.size() - 2], level.back());
  }
}

void MerkleTree::truncate(std::uint64_t size) {
  for (std::size_t height = 0; height < levels_.size(); ++height) levels_[height].resize(size >> height);
  while (!levels_.empty() && levels_.back().empty()) levels_.pop_back();
}

// Every subtree that the splits lead to is complete or ends where the tree does.
TreeHash MerkleTree::subtree(std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t size = end - begin;
  if (std::has_single_bit(size)) {
    const auto height = static_cast<std::size_t>(std::countr_zero(size));
    return levels_[height][begin >> height];
  }
  const std::uint64_t middle = begin + split_of(size);
  return node_hash(subtree(begin, middle), subtree(middle, end));
}

TreeHash MerkleTree::root(std::uint64_t size) const {
  return size == 0 ? sha256().of_nothing() : subtree(0, size);
}

std::vector<TreeHash> MerkleTree::consistency(std::uint64_t from, std::uint64_t to) const {
  std::vector<TreeHash> proof;
  if (from != 0 && from != to) prove_consistency(0, from, to, true, proof);
  return proof;
}

// SUBPROOF of the RFC; `known`: the other side has the root of the part up to `middle`.
void MerkleTree::prove_consistency(std::uint64_t begin, std::uint64_t middle, std::uint64_t end, bool known,
                                   std::vector<TreeHash>& proof) const {
  if (middle == end) {
    if (!known) proof.push_back(subtree(begin, end));
    return;
  }
  const std::uint64_t split = begin + split_of(end - begin);
  if (middle <= split) {
    prove_consistency(begin, middle, split, known, proof);
    proof.push_back(subtree(split, end));
  } else {
    prove_consistency(split, middle, end, false, proof);
    proof.push_back(subtree(begin, split));
  }
}

std::vector<TreeHash> MerkleTree::inclusion(std::span<const std::uint64_t> leaves, std::uint64_t size) const {
  std::vector<TreeHash> proof;
  if (size != 0) prove_inclusion(leaves, 0, size, proof);
  return proof;
}

void MerkleTree::prove_inclusion(std::span<const std::uint64_t> leaves, std::uint64_t begin, std::uint64_t end,
                                 std::vector<TreeHash>& proof) const {
  if (leaves.empty()) return proof.push_back(subtree(begin, end));
  if (end - begin == 1) return;
  const std::uint64_t middle = begin + split_of(end - begin);
  const auto [left, right] = cut(leaves, middle, [](std::uint64_t index) { return index; });
  prove_inclusion(left, begin, middle, proof);
  prove_inclusion(right, middle, end, proof);
}

// Section 2.1.4.2: both roots are computed of the same hashes, going up from the last leaf of the smaller tree.
bool verify_consistency(std::uint64_t from, const TreeHash& from_root, std::uint64_t to, const TreeHash& to_root,
                        std::span<const TreeHash> proof) {
  if (from > to) return false;
  if (from == 0) return proof.empty();
  if (from == to) return proof.empty() && from_root == to_root;
  std::uint64_t node = from - 1;
  std::uint64_t last = to - 1;
  const auto up = [&] {
    node >>= 1;
    last >>= 1;
  };
  while ((node & 1) != 0) up();
  // A complete smaller tree is itself where the climb begins.
  const bool complete = std::has_single_bit(from);
  if (!complete && proof.empty()) return false;
  TreeHash small = complete ? from_root : proof.front();
  TreeHash large = small;
  for (const TreeHash& hash : complete ? proof : proof.subspan(1)) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      small = node_hash(hash, small);
      large = node_hash(hash, large);
      while ((node & 1) == 0 && node != 0) up();
    } else {
      large = node_hash(large, hash);
    }
    up();
  }
  return last == 0 && small == from_root && large == to_root;
}

bool verify_inclusion(std::span<const ProvedLeaf> leaves, std::uint64_t size, const TreeHash& root,
                      std::span<const TreeHash> proof) {
  const auto out_of_order = [](const ProvedLeaf& a, const ProvedLeaf& b) { return a.index >= b.index; };
  if (std::adjacent_find(leaves.begin(), leaves.end(), out_of_order) != leaves.end()) return false;
  if (size == 0) return leaves.empty() && proof.empty() && root == sha256().of_nothing();
  if (!leaves.empty() && leaves.back().index >= size) return false;
  Verifier verifier(proof);
  const TreeHash computed = verifier.subtree(leaves, 0, size);
  return verifier.used_up() && computed == root;
}

}  // namespace godwit
