// Which partition an id belongs to, and which worker serves it.
#pragma once

#include <string_view>

#include "godwit/ids.h"
#include "storage/keys.h"

namespace godwit {

// Constant for the life of the process.
struct PartitionMap {
  unsigned partitions = 256;
  unsigned workers = 1;

  unsigned worker_of(Partition p) const { return p.value % workers; }
  template <class Id>
  Partition partition(const Id& id) const {
    return partition_of(id, partitions);
  }
  template <class Id>
  unsigned worker(const Id& id) const {
    return worker_of(partition(id));
  }
  template <class Id>
  std::uint64_t bit(const Id& id) const {
    return 1ULL << worker(id);
  }
};

}  // namespace godwit
