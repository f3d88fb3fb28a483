#include "inbox/page.h"

#include "storage/keys.h"

namespace godwit {

InboxPage read_inbox(const Store& store, const PartitionMap& map, const PageRequest& request) {
  InboxPage page;
  page.through = request.last;
  const Partition partition = map.partition(request.user);
  std::size_t bytes = 0;
  store::InboxEntry entry;
  store.scan(Column::inbox, inbox_key(partition, request.user, InboxSeq(request.first)),
             inbox_key(partition, request.user, InboxSeq(request.last + 1)), false,
             [&](std::string_view key, std::string_view value) {
               const std::uint64_t seq = seq_of_key(key);
               if (!entry.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
               if (entry.time_ms() < request.expired_before_ms) return true;
               if (!page.entries.empty() &&
                   (page.entries.size() >= request.max_entries || bytes + entry.envelope().size() > request.max_bytes)) {
                 page.through = seq - 1;
                 return false;
               }
               bytes += entry.envelope().size();
               page.entries.push_back({seq, std::move(*entry.mutable_envelope())});
               return true;
             });
  return page;
}

std::vector<Mark> read_marks(const Store& store, const PartitionMap& map, UserId user, std::uint64_t since) {
  std::vector<Mark> marks;
  const std::string prefix = user_key(map.partition(user), user);
  store::MarkRow row;
  store.scan(Column::mark, prefix, prefix_end(prefix), false, [&](std::string_view key, std::string_view value) {
    if (!row.ParseFromArray(value.data(), static_cast<int>(value.size())) || row.changed_at() < since) return true;
    Mark mark;
    mark.chat = ChatId::from(key.substr(prefix.size()));
    mark.peer = UserId(row.peer());
    mark.own = {row.own().delivered(), row.own().read()};
    mark.other = {row.other().delivered(), row.other().read()};
    mark.changed_at = row.changed_at();
    mark.lsn = row.applied_lsn();
    marks.push_back(mark);
    return true;
  });
  return marks;
}

}  // namespace godwit
