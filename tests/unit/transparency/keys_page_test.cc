// The worked example of docs/protocol/keys.md, byte for byte.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "base/ed25519_key.h"
#include "base/random.h"
#include "transparency/key_log_entry.h"
#include "transparency/log_key.h"
#include "transparency/merkle.h"

namespace godwit {
namespace {

constexpr std::int64_t kTime = 1'700'000'000'000;

// The hex digits of the example, without its comments, which begin after three spaces.
std::string example(const std::string& name) {
  std::ifstream in(std::string(GODWIT_SOURCE_DIR) + "/docs/protocol/keys.md");
  std::string digits;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (inside && line == "```") break;
    if (inside) digits += std::regex_replace(line.substr(0, line.find("   ")), std::regex(" "), "");
    if (line == "```hex " + name) inside = true;
  }
  return digits;
}

std::string bytes(const TreeHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string digits(const std::vector<TreeHash>& hashes) {
  std::string out;
  for (const TreeHash& hash : hashes) out += hex(bytes(hash));
  return out;
}

class KeysPageTest : public ::testing::Test {
 protected:
  KeysPageTest() {
    add(1, 1, 0, {1});
    add(2, 1, 0, {1});
    add(1, 2, 1, {1, 2});
    add(3, 1, 0, {1});
    add(2, 2, 2, {});
  }

  void add(std::uint64_t user, std::uint64_t version, std::uint64_t previous, std::vector<std::uint32_t> devices) {
    KeyLogEntry entry;
    entry.index = entries_.size();
    entry.user = UserId(user);
    entry.version = version;
    entry.time_ms = kTime + static_cast<std::int64_t>(entry.index);
    entry.previous = previous;
    for (const std::uint32_t id : devices) {
      const auto byte = static_cast<char>(16 * user + id);
      entry.devices.push_back({DeviceId(id), std::string(32, byte), std::string(32, static_cast<char>(byte + 128))});
    }
    tree_.append(entry.leaf());
    entries_.push_back(std::move(entry));
  }

  std::vector<KeyLogEntry> entries_;
  MerkleTree tree_;
};

TEST_F(KeysPageTest, entry_and_leaves_are_as_documented) {
  EXPECT_EQ(hex(entries_[1].leaf_bytes()), example("entry"));
  std::vector<TreeHash> leaves;
  for (const KeyLogEntry& entry : entries_) leaves.push_back(entry.leaf());
  EXPECT_EQ(digits(leaves), example("leaves"));
}

TEST_F(KeysPageTest, proofs_are_as_documented) {
  EXPECT_EQ(digits(tree_.inclusion(std::vector<std::uint64_t>{1, 4}, 5)), example("proof"));
  EXPECT_EQ(digits(tree_.consistency(3, 5)), example("consistency"));
}

TEST_F(KeysPageTest, head_and_signature_are_as_documented) {
  const std::string head = head_bytes(5, bytes(tree_.root(5)), kTime + 5);
  EXPECT_EQ(hex(head), example("head"));
  std::string seed;
  for (char i = 0; i < 32; ++i) seed.push_back(i);
  EXPECT_EQ(hex(Ed25519Key::from_seed(seed).sign(head)), example("signature"));
}

}  // namespace
}  // namespace godwit
