#include "storage/migrations.h"

#include <stdexcept>
#include <string>

namespace godwit {

// Version 1 was never released: there is nothing to come from.
std::span<const Migration> migrations() {
  return {};
}

std::vector<Migration> migration_path(std::uint32_t from, std::uint32_t to,
                                      std::span<const Migration> table) {
  if (from > to) {
    throw std::runtime_error("it has storage format " + std::to_string(from) +
                             ", made by a newer program; this one reads up to " + std::to_string(to));
  }
  std::vector<Migration> path;
  std::uint32_t version = from;
  for (const Migration& step : table) {
    if (step.from == version && version < to) {
      path.push_back(step);
      ++version;
    }
  }
  if (version != to) {
    throw std::runtime_error("it has storage format " + std::to_string(from) +
                             ", from which this program does not migrate");
  }
  return path;
}

}  // namespace godwit
