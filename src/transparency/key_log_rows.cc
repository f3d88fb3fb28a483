#include "transparency/key_log_rows.h"

#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "storage/keys.h"
#include "transparency/big_endian.h"

namespace godwit {
namespace {

[[noreturn]] void damaged(std::uint64_t index) {
  throw std::runtime_error("the store lacks entry " + std::to_string(index) + " of the key log");
}

KeyLogEntryPtr parse_entry(std::uint64_t index, std::string_view value) {
  store::KeyLogRow row;
  if (!row.ParseFromArray(value.data(), static_cast<int>(value.size()))) damaged(index);
  return std::make_shared<const KeyLogEntry>(KeyLogEntry::of(index, row));
}

}  // namespace

void put_entry(const KeyLogEntry& entry, Partition partition, CheckpointRows& rows) {
  rows.put(Column::key_log, key_log_entry_key(partition, entry.index), entry.row().SerializeAsString());
  std::string position;
  append_big_endian(position, entry.index);
  rows.put(Column::key_log, key_log_user_key(partition, entry.user, entry.version), std::move(position));
}

void put_hashes(const MerkleTree& tree, std::uint64_t end, Partition partition, CheckpointRows& rows) {
  const std::uint64_t block = (end - 1) / kLeavesPerRow;
  std::string hashes;
  for (std::uint64_t i = block * kLeavesPerRow; i < end; ++i) {
    hashes.append(reinterpret_cast<const char*>(tree.leaf(i).data()), sizeof(TreeHash));
  }
  rows.put(Column::key_log, key_log_hashes_key(partition, block), std::move(hashes));
}

MerkleTree load_tree(const Store& store, Partition partition) {
  MerkleTree tree;
  store.scan(Column::key_log, key_log_hashes_key(partition, 0), key_log_entry_key(partition, 0), false,
             [&](std::string_view key, std::string_view value) {
               if (tree.size() != seq_of_key(key) * kLeavesPerRow || value.size() % sizeof(TreeHash) != 0) {
                 damaged(tree.size());
               }
               for (; !value.empty(); value.remove_prefix(sizeof(TreeHash))) {
                 TreeHash hash;
                 std::memcpy(hash.data(), value.data(), hash.size());
                 tree.append(hash);
               }
               return true;
             });
  return tree;
}

KeyLogEntryPtr read_entry(const Store& store, Partition partition, std::uint64_t index) {
  const auto value = store.get(Column::key_log, key_log_entry_key(partition, index));
  if (!value) damaged(index);
  return parse_entry(index, *value);
}

std::vector<KeyLogEntryPtr> read_entries(const Store& store, Partition partition, std::uint64_t first,
                                         std::uint64_t end, std::size_t limit) {
  std::vector<KeyLogEntryPtr> entries;
  store.scan(Column::key_log, key_log_entry_key(partition, first), key_log_entry_key(partition, end), false,
             [&](std::string_view key, std::string_view value) {
               if (seq_of_key(key) != first + entries.size()) damaged(first + entries.size());
               entries.push_back(parse_entry(seq_of_key(key), value));
               return entries.size() < limit;
             });
  return entries;
}

std::vector<KeyLogEntryPtr> read_entries_of(const Store& store, Partition partition, UserId user,
                                            std::uint64_t first_version, std::uint64_t end, std::size_t limit) {
  std::vector<std::uint64_t> indices;
  // Versions count from 1 and never come near the last.
  store.scan(Column::key_log, key_log_user_key(partition, user, first_version),
             key_log_user_key(partition, user, std::numeric_limits<std::uint64_t>::max()), false,
             [&](std::string_view, std::string_view value) {
               const std::uint64_t index = seq_of_key(value);
               if (index < end) indices.push_back(index);
               return index < end && indices.size() < limit;
             });
  std::vector<std::string> keys;
  for (const std::uint64_t index : indices) keys.push_back(key_log_entry_key(partition, index));
  const auto values = store.multi_get(Column::key_log, keys);
  std::vector<KeyLogEntryPtr> entries;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (!values[i]) damaged(indices[i]);
    entries.push_back(parse_entry(indices[i], *values[i]));
  }
  return entries;
}

}  // namespace godwit
