// Changes of rows that no checkpoint has stored yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace godwit {

// What has become of rows since the store has them, by key: the last change of each. Part of a state of RowCache,
// and like it on one worker. Its bound is that of the rows.
template <class Key, class Row>
class Unwritten {
 public:
  // `lsn` is the position of the record that made the change.
  void set(const Key& key, std::uint64_t lsn, Row row) { changes_.insert_or_assign(key, Change{lsn, std::move(row)}); }

  const Row* find(const Key& key) const {
    const auto it = changes_.find(key);
    return it != changes_.end() ? &it->second.row : nullptr;
  }

  // Visits the changes from `first` on, in order of key, until `visit(key, row)` returns false.
  template <class F>
  void visit_from(const Key& first, F visit) const {
    for (auto it = changes_.lower_bound(first); it != changes_.end() && visit(it->first, it->second.row); ++it) {
    }
  }

  // Forgets the changes with first <= key <= last.
  void forget(const Key& first, const Key& last) {
    changes_.erase(changes_.lower_bound(first), changes_.upper_bound(last));
  }

  // All changes, for a checkpoint. `lsn` is that of the last record applied.
  std::vector<std::pair<Key, Row>> collect(std::uint64_t lsn) {
    collected_lsn_ = lsn;
    swept_.reset();
    std::vector<std::pair<Key, Row>> all;
    all.reserve(changes_.size());
    for (const auto& [key, change] : changes_) all.emplace_back(key, change.row);
    return all;
  }

  // What was collected is in the store. Looks at no more than `budget` changes; true when none are left to look at.
  bool checkpointed(std::size_t& budget) {
    auto it = swept_ ? changes_.upper_bound(*swept_) : changes_.begin();
    while (it != changes_.end()) {
      if (budget == 0) return false;
      --budget;
      swept_ = it->first;
      it = it->second.lsn <= collected_lsn_ ? changes_.erase(it) : std::next(it);
    }
    return true;
  }

  bool empty() const { return changes_.empty(); }
  std::size_t size() const { return changes_.size(); }

 private:
  struct Change {
    std::uint64_t lsn = 0;
    Row row;
  };
  std::map<Key, Change> changes_;
  std::uint64_t collected_lsn_ = 0;
  std::optional<Key> swept_;  // changes up to here have been looked at since the checkpoint
};

}  // namespace godwit
