// What the store has of the key log: its entries, the positions of each user's, and the hashes of all leaves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/store.h"
#include "transparency/key_log_entry.h"
#include "transparency/merkle.h"

namespace godwit {

// Hashes in a row: few rows to read at the start, and no more than 32 KiB that a checkpoint writes again.
inline constexpr std::uint64_t kLeavesPerRow = 1'024;

void put_entry(const KeyLogEntry& entry, Partition partition, CheckpointRows& rows);
// The row that ends with leaf `end` - 1.
void put_hashes(const MerkleTree& tree, std::uint64_t end, Partition partition, CheckpointRows& rows);

// Not on a worker that serves. All throw std::runtime_error when something is missing.
MerkleTree load_tree(const Store& store, Partition partition);
KeyLogEntryPtr read_entry(const Store& store, Partition partition, std::uint64_t index);
// At most `limit` from `first` on, before `end`.
std::vector<KeyLogEntryPtr> read_entries(const Store& store, Partition partition, std::uint64_t first,
                                         std::uint64_t end, std::size_t limit);
// The same of one user, from a version on.
std::vector<KeyLogEntryPtr> read_entries_of(const Store& store, Partition partition, UserId user,
                                            std::uint64_t first_version, std::uint64_t end, std::size_t limit);

}  // namespace godwit
