// Steps from an older storage format to the present one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "storage/store.h"

namespace godwit {

// The format that this program writes, and the newest it reads.
inline constexpr std::uint32_t kFormatVersion = 2;

// One step: collects the rows that format `from` + 1 has otherwise than `from`. They are written together
// with the new version number, so a step that is cut short starts anew.
struct Migration {
  std::uint32_t from;
  void (*collect)(const Store& store, CheckpointRows& rows);
};

// Every step there is, in ascending order.
std::span<const Migration> migrations();

// The steps of `table` that lead from one version to another, in order; none when they are equal. Throws
// std::runtime_error when one is missing or `from` is newer than `to`.
std::vector<Migration> migration_path(std::uint32_t from, std::uint32_t to, std::span<const Migration> table);

}  // namespace godwit
