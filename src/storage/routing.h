// Which workers a record concerns.
#pragma once

#include <cstdint>

#include "storage/partition_map.h"
#include "store.pb.h"

namespace godwit {

// One bit a worker: those whose partitions the record changes. A deletion concerns all of them, since any
// chat may have the user in it.
std::uint64_t workers_of(const PartitionMap& map, const store::Record& record);

}  // namespace godwit
