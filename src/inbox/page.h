// Reading an inbox from the store: one page for one device. Blocks on the disk; reader threads only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "godwit/ids.h"
#include "inbox/inbox.h"
#include "storage/partition_map.h"
#include "storage/store.h"

namespace godwit {

struct PageEntry {
  std::uint64_t seq = 0;
  std::string envelope;
  ChatId chat;
  std::uint64_t chat_seq = 0;
  bool own = false;         // the user sent it
  bool per_device = false;  // it holds payloads for single devices
};

// Entries `first` ... `last`, as many as fit the bounds; at least one when there is one.
struct InboxPage {
  // Ascending. A position in the range read that has no entry is missing: expired, or beyond the bound.
  std::vector<PageEntry> entries;
  // The range that was read: first ... through. Smaller than `last` when a bound was reached.
  std::uint64_t through = 0;
};

struct PageRequest {
  UserId user;
  std::uint64_t first = 1;
  std::uint64_t last = 0;
  std::size_t max_entries = 256;
  std::size_t max_bytes = 256 * 1024;
  // Entries accepted before this time have expired, milliseconds since the Unix epoch.
  std::int64_t expired_before_ms = 0;
  // For messages that disappear.
  std::int64_t now_ms = 0;
};

InboxPage read_inbox(const Store& store, const PartitionMap& map, const PageRequest& request);

// The position of a chat's message among the stored entries from `first` on; 0 when it is not there.
std::uint64_t find_in_inbox(const Store& store, const PartitionMap& map, UserId user, std::uint64_t first,
                            const ChatId& chat, std::uint64_t chat_seq);

// Up to `limit` of the user's marks after the one of chat `after`, in order of chat.
std::vector<Mark> read_mark_page(const Store& store, const PartitionMap& map, UserId user,
                                 const std::optional<ChatId>& after, std::size_t limit);

// The marks of the user that moved at or after `since` (an inbox position).
std::vector<Mark> read_marks(const Store& store, const PartitionMap& map, UserId user, std::uint64_t since);

}  // namespace godwit
