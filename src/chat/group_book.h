// Who was to get the messages of groups that are replayed after a crash.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "chat/group.h"
#include "storage/store.h"

namespace godwit {

// The journal names no recipients of a group's message: they follow from its members' spans. This reads them
// from the store when a group first comes up in the replay, and follows the changes from then on. A stored
// row may be newer than the record that is replayed; the spans tell who was there all the same.
//
// Used before the start, on one thread: blocks on the disk.
class GroupBook {
 public:
  GroupBook(const Store& store, const PartitionMap& map) : store_(store), map_(map) {}

  // Messages to groups, in journal order.
  std::shared_ptr<const Recipients> recipients(const store::MessageAppended& message);

 private:
  struct Entry {
    Group group;
    std::shared_ptr<const Recipients> recipients;
    // Positions from and before which they hold.
    std::uint64_t from = 0;
    std::uint64_t until = 0;
  };
  Entry& open(const ChatId& chat);

  const Store& store_;
  const PartitionMap& map_;
  std::unordered_map<ChatId, Entry> groups_;
};

}  // namespace godwit
