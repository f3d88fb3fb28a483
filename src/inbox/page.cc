#include "inbox/page.h"

#include <algorithm>

#include "protocol/codec.h"
#include "storage/keys.h"
#include "storage/log_reader.h"

namespace godwit {

namespace {

// Adds entries of a run to the page, from position `from` on. False when the page is full.
class PageWriter {
 public:
  PageWriter(const Store& store, const PartitionMap& map, const PageRequest& request, InboxPage& page)
      : store_(store), map_(map), request_(request), page_(page) {}

  bool add_run(std::uint64_t run_last, const store::InboxRun& run) {
    const std::uint64_t run_first = run_last - run.count() + 1;
    const std::uint64_t from = std::max(request_.first, run_first);
    const std::uint64_t first_chat_seq = run.chat_seq() - (run_last - from);
    const ChatId chat = ChatId::from(run.chat());
    const UserId peer(run.peer());
    std::uint64_t next = from;
    bool full = false;
    const auto room = request_.max_entries - std::min(request_.max_entries, page_.entries.size());
    // One more than there is room for, so that a full page is noticed.
    const std::uint64_t last_chat_seq = std::min<std::uint64_t>(run.chat_seq(), first_chat_seq + room);
    read_log(store_, map_, chat, first_chat_seq, last_chat_seq, false, request_.now_ms,
             [&](std::uint64_t chat_seq, store::LogEntry& entry) {
               const std::uint64_t seq = from + (chat_seq - first_chat_seq);
               full = !add_missing(next, seq, run, run_last) || !add_entry(seq, chat_seq, chat, entry, peer);
               next = seq + 1;
               return !full;
             });
    return !full && add_missing(next, run_last + 1, run, run_last);
  }

 private:
  bool add_entry(std::uint64_t seq, std::uint64_t chat_seq, const ChatId& chat, store::LogEntry& entry, UserId peer) {
    PageEntry added{seq, std::move(*entry.mutable_envelope()), chat, chat_seq, false, false};
    if (const auto view = parse_envelope(added.envelope)) {
      added.own = view->from == request_.user;
      added.per_device = view->per_device;
    }
    // In the store, the sender's own copy lacks the other party.
    if (added.own && peer) append_envelope_to(added.envelope, peer);
    return add(std::move(added));
  }

  // What the log does not have any more is told, so that positions have no holes.
  bool add_missing(std::uint64_t from, std::uint64_t end, const store::InboxRun& run, std::uint64_t run_last) {
    const auto group = run.peer() == 0 ? std::optional(ChatId::from(run.chat())) : std::nullopt;
    for (std::uint64_t seq = from; seq < end; ++seq) {
      const std::uint64_t chat_seq = run.chat_seq() - (run_last - seq);
      PageEntry gone{seq, gone_envelope(group, ChatSeq(chat_seq)), ChatId::from(run.chat()), chat_seq, false, false};
      if (!add(std::move(gone))) return false;
    }
    return true;
  }

  bool add(PageEntry entry) {
    if (!page_.entries.empty() && (page_.entries.size() >= request_.max_entries ||
                                   bytes_ + entry.envelope.size() > request_.max_bytes)) {
      page_.through = entry.seq - 1;
      return false;
    }
    bytes_ += entry.envelope.size();
    page_.entries.push_back(std::move(entry));
    return true;
  }

  const Store& store_;
  const PartitionMap& map_;
  const PageRequest& request_;
  InboxPage& page_;
  std::size_t bytes_ = 0;
};

}  // namespace

InboxPage read_inbox(const Store& store, const PartitionMap& map, const PageRequest& request) {
  InboxPage page;
  page.through = request.last;
  const Partition partition = map.partition(request.user);
  PageWriter writer(store, map, request, page);
  store::InboxRun run;
  store.scan(Column::inbox, inbox_key(partition, request.user, InboxSeq(request.first)),
             inbox_key(partition, request.user, InboxSeq(request.last + 1)), false,
             [&](std::string_view key, std::string_view value) {
               if (!run.ParseFromArray(value.data(), static_cast<int>(value.size())) || run.chat().size() != 16) {
                 return true;
               }
               if (run.time_ms() < request.expired_before_ms) return true;
               return writer.add_run(seq_of_key(key), run);
             });
  return page;
}

std::uint64_t find_in_inbox(const Store& store, const PartitionMap& map, UserId user, std::uint64_t first,
                            const ChatId& chat, std::uint64_t chat_seq) {
  const std::string prefix = user_key(map.partition(user), user);
  std::uint64_t found = 0;
  store::InboxRun run;
  store.scan(Column::inbox, inbox_key(map.partition(user), user, InboxSeq(first)), prefix_end(prefix), false,
             [&](std::string_view key, std::string_view value) {
               if (!run.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
               if (run.chat() != chat.view() || chat_seq > run.chat_seq() || chat_seq + run.count() <= run.chat_seq()) {
                 return true;
               }
               found = seq_of_key(key) - (run.chat_seq() - chat_seq);
               return false;
             });
  return found;
}

namespace {

std::optional<Mark> to_mark(std::string_view chat, std::string_view value) {
  store::MarkRow row;
  if (chat.size() != 16 || !row.ParseFromArray(value.data(), static_cast<int>(value.size()))) return std::nullopt;
  Mark mark;
  mark.chat = ChatId::from(chat);
  mark.peer = UserId(row.peer());
  mark.own = {row.own().delivered(), row.own().read()};
  mark.other = {row.other().delivered(), row.other().read()};
  mark.left = row.left();
  mark.changed_at = row.changed_at();
  mark.lsn = row.applied_lsn();
  return mark;
}

}  // namespace

std::vector<Mark> read_mark_page(const Store& store, const PartitionMap& map, UserId user,
                                 const std::optional<ChatId>& after, std::size_t limit) {
  std::vector<Mark> marks;
  const std::string prefix = user_key(map.partition(user), user);
  // The key after that of `after`.
  const std::string first = after ? mark_key(map.partition(user), user, *after) + '\0' : prefix;
  store.scan(Column::mark, first, prefix_end(prefix), false, [&](std::string_view key, std::string_view value) {
    if (const auto mark = to_mark(key.substr(prefix.size()), value)) marks.push_back(*mark);
    return marks.size() < limit;
  });
  return marks;
}

std::vector<Mark> read_marks(const Store& store, const PartitionMap& map, UserId user, std::uint64_t since) {
  std::vector<Mark> marks;
  const std::string prefix = user_key(map.partition(user), user);
  store.scan(Column::mark, prefix, prefix_end(prefix), false, [&](std::string_view key, std::string_view value) {
    const auto mark = to_mark(key.substr(prefix.size()), value);
    if (mark && mark->changed_at >= since) marks.push_back(*mark);
    return true;
  });
  return marks;
}

}  // namespace godwit
