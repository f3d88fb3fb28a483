// The tree against the words of RFC 9162, and the proofs against those who would forge them.
#include "transparency/merkle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <set>
#include <string>

#include "base/random.h"

namespace godwit {
namespace {

std::string digits(const TreeHash& hash) {
  return hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

TreeHash leaf_of(std::uint64_t n) {
  return leaf_hash(std::to_string(n));
}

// MTH of section 2.1.1, as it is written there.
TreeHash defined_root(std::span<const TreeHash> leaves) {
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  return node_hash(defined_root(leaves.first(k)), defined_root(leaves.subspan(k)));
}

class MerkleTest : public ::testing::Test {
 protected:
  void grow(std::uint64_t size) {
    while (tree_.size() < size) {
      leaves_.push_back(leaf_of(tree_.size()));
      tree_.append(leaves_.back());
    }
  }
  TreeHash defined_root_of(std::uint64_t size) const { return defined_root(std::span(leaves_).first(size)); }

  std::vector<std::uint64_t> some_leaves(std::uint64_t size, std::size_t count) {
    std::set<std::uint64_t> chosen;
    while (chosen.size() < std::min<std::size_t>(count, size)) chosen.insert(random_() % size);
    return {chosen.begin(), chosen.end()};
  }
  std::vector<ProvedLeaf> proved(const std::vector<std::uint64_t>& indices) const {
    std::vector<ProvedLeaf> out;
    for (const std::uint64_t index : indices) out.push_back({index, leaves_[index]});
    return out;
  }

  MerkleTree tree_;
  std::vector<TreeHash> leaves_;
  std::mt19937_64 random_{20260421};
};

// The leaves that certificate-transparency implementations have always been tried with (RFC 6962 test data).
TEST_F(MerkleTest, roots_of_the_well_known_leaves) {
  const std::vector<std::string> inputs = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots = {
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  EXPECT_EQ(digits(tree_.root(0)), roots[0]);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    tree_.append(leaf_hash(*from_hex(inputs[i])));
    EXPECT_EQ(digits(tree_.root(i + 1)), roots[i + 1]) << i + 1;
  }
}

TEST_F(MerkleTest, every_smaller_tree_is_within) {
  grow(130);
  for (std::uint64_t size = 1; size <= 130; ++size) EXPECT_EQ(tree_.root(size), defined_root_of(size)) << size;
}

TEST_F(MerkleTest, truncated_and_grown_again_it_is_the_same) {
  for (int round = 0; round < 50; ++round) {
    grow(1 + random_() % 200);
    const std::uint64_t size = random_() % (tree_.size() + 1);
    tree_.truncate(size);
    leaves_.resize(size);
    EXPECT_EQ(tree_.size(), size);
    if (size != 0) {
      EXPECT_EQ(tree_.root(size), defined_root_of(size));
    }
  }
}

TEST_F(MerkleTest, consistency_of_all_sizes) {
  grow(70);
  for (std::uint64_t to = 1; to <= 70; ++to) {
    for (std::uint64_t from = 0; from <= to; ++from) {
      auto proof = tree_.consistency(from, to);
      const TreeHash before = from == 0 ? tree_.root(0) : tree_.root(from);
      ASSERT_TRUE(verify_consistency(from, before, to, tree_.root(to), proof)) << from << " to " << to;
      if (from == 0 || from == to) continue;
      EXPECT_FALSE(verify_consistency(from, leaf_of(1'000), to, tree_.root(to), proof));
      EXPECT_FALSE(verify_consistency(from, before, to, leaf_of(1'000), proof));
      EXPECT_FALSE(verify_consistency(to, tree_.root(to), from, before, proof));
      proof.push_back(leaf_of(1));
      EXPECT_FALSE(verify_consistency(from, before, to, tree_.root(to), proof));
      proof.pop_back();
      proof[random_() % proof.size()][random_() % 32] ^= 1;
      EXPECT_FALSE(verify_consistency(from, before, to, tree_.root(to), proof));
      proof.pop_back();
      EXPECT_FALSE(verify_consistency(from, before, to, tree_.root(to), proof));
    }
  }
}

TEST_F(MerkleTest, inclusion_of_every_set_of_leaves_in_small_trees) {
  grow(9);
  for (std::uint64_t size = 0; size <= 9; ++size) {
    for (std::uint64_t set = 0; set < 1U << size; ++set) {
      std::vector<std::uint64_t> indices;
      for (std::uint64_t i = 0; i < size; ++i) {
        if ((set >> i & 1) != 0) indices.push_back(i);
      }
      const auto proof = tree_.inclusion(indices, size);
      EXPECT_TRUE(verify_inclusion(proved(indices), size, tree_.root(size), proof)) << size << " " << set;
      if (indices.size() == size) {
        EXPECT_TRUE(proof.empty());
      }
    }
  }
}

TEST_F(MerkleTest, inclusion_of_random_leaves_in_random_trees) {
  grow(3'000);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t size = 1 + random_() % 3'000;
    const auto indices = some_leaves(size, 1 + random_() % 100);
    const auto leaves = proved(indices);
    const auto proof = tree_.inclusion(indices, size);
    ASSERT_TRUE(verify_inclusion(leaves, size, tree_.root(size), proof)) << size;
    EXPECT_LE(proof.size(), indices.size() * 12);

    auto other = leaves;
    other[random_() % other.size()].hash[random_() % 32] ^= 0x80;
    EXPECT_FALSE(verify_inclusion(other, size, tree_.root(size), proof)) << "another leaf";
    auto longer = proof;
    longer.push_back(leaf_of(7));
    EXPECT_FALSE(verify_inclusion(leaves, size, tree_.root(size), longer)) << "more than is needed";
    if (proof.empty()) continue;
    auto changed = proof;
    changed[random_() % changed.size()][random_() % 32] ^= 1;
    EXPECT_FALSE(verify_inclusion(leaves, size, tree_.root(size), changed)) << "another hash";
    EXPECT_FALSE(verify_inclusion(leaves, size, tree_.root(size), std::span(proof).first(proof.size() - 1)))
        << "less than is needed";
    const std::vector<ProvedLeaf> fewer(leaves.begin() + 1, leaves.end());
    EXPECT_FALSE(verify_inclusion(fewer, size, tree_.root(size), proof)) << "a leaf fewer";
    auto moved = leaves;
    if (moved.back().index + 1 < size) {
      ++moved.back().index;
      EXPECT_FALSE(verify_inclusion(moved, size, tree_.root(size), proof)) << "elsewhere";
    }
  }
}

TEST_F(MerkleTest, leaves_that_cannot_be_are_refused) {
  grow(5);
  const TreeHash root = tree_.root(5);
  const auto proof = tree_.inclusion(std::vector<std::uint64_t>{1, 3}, 5);
  EXPECT_TRUE(verify_inclusion(proved({1, 3}), 5, root, proof));
  EXPECT_FALSE(verify_inclusion(proved({3, 1}), 5, root, proof));
  EXPECT_FALSE(verify_inclusion(proved({1, 1, 3}), 5, root, proof));
  EXPECT_FALSE(verify_inclusion(std::vector<ProvedLeaf>{{5, leaf_of(5)}}, 5, root, proof));
  EXPECT_FALSE(verify_inclusion(std::vector<ProvedLeaf>{{~0ULL, leaf_of(5)}}, ~0ULL, root, proof));
  EXPECT_FALSE(verify_inclusion(proved({0}), 0, tree_.root(0), {}));
}

// Prints figures; what they must be is for docs/performance.md.
TEST_F(MerkleTest, proofs_out_of_a_million) {
  const auto seconds = [](auto work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  constexpr std::uint64_t kSize = 1'000'003;
  const double grown = seconds([&] { grow(kSize); });
  const auto indices = some_leaves(kSize, 1'000);
  std::vector<TreeHash> proof;
  const double made = seconds([&] { proof = tree_.inclusion(indices, kSize); });
  const auto leaves = proved(indices);
  bool holds = false;
  const double checked = seconds([&] { holds = verify_inclusion(leaves, kSize, tree_.root(kSize), proof); });
  EXPECT_TRUE(holds);
  EXPECT_LT(proof.size(), 11'000U);
  std::printf("grown in %.2f s, %zu hashes made in %.2f ms and checked in %.2f ms\n", grown, proof.size(), made * 1e3,
              checked * 1e3);
}

}  // namespace
}  // namespace godwit
