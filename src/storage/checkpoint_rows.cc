#include <iterator>
#include <utility>

#include "storage/store.h"

namespace godwit {

void CheckpointRows::put(Column column, std::string key, std::string value) {
  bytes_ += key.size() + value.size();
  rows_[static_cast<std::size_t>(column)].push_back({std::move(key), std::move(value), false});
}

void CheckpointRows::erase(Column column, std::string key) {
  bytes_ += key.size();
  rows_[static_cast<std::size_t>(column)].push_back({std::move(key), {}, true});
}

void CheckpointRows::merge(CheckpointRows&& other) {
  for (std::size_t i = 0; i < kColumns; ++i) {
    auto& mine = rows_[i];
    auto& theirs = other.rows_[i];
    if (mine.empty()) {
      mine = std::move(theirs);
    } else {
      mine.insert(mine.end(), std::make_move_iterator(theirs.begin()), std::make_move_iterator(theirs.end()));
    }
    theirs.clear();
  }
  bytes_ += std::exchange(other.bytes_, 0);
}

}  // namespace godwit
