// Reading a chat's log from the store. Blocks on the disk; reader threads only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "godwit/ids.h"
#include "storage/partition_map.h"
#include "storage/store.h"
#include "store.pb.h"

namespace godwit {

// Takes from an entry what is no more at `now_ms`: its content, once it has expired.
void expire(store::LogEntry& entry, std::int64_t now_ms);

// Visits the entries `first` ... `last` (ascending, or descending with `reverse`) until `visit` returns
// false. What has expired comes without its content. The entry may be moved from.
void read_log(const Store& store, const PartitionMap& map, const ChatId& chat, std::uint64_t first, std::uint64_t last,
              bool reverse, std::int64_t now_ms,
              const std::function<bool(std::uint64_t seq, store::LogEntry& entry)>& visit);

}  // namespace godwit
