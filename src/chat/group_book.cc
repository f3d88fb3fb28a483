#include "chat/group_book.h"

#include <algorithm>
#include <limits>

#include "chat/chat.h"

namespace godwit {

GroupBook::Entry& GroupBook::open(const ChatId& chat) {
  const auto [it, made] = groups_.try_emplace(chat);
  if (!made) return it->second;
  const auto row = store_.get(Column::chat, Chat::key(map_, chat));
  store::ChatRow stored;
  if (row && stored.ParseFromString(*row) && stored.has_group()) {
    it->second.group.load(stored.group(), Chat::read_more(store_, map_, chat, row));
  }
  return it->second;
}

std::shared_ptr<const Recipients> GroupBook::recipients(const store::MessageAppended& message) {
  Entry& entry = open(ChatId::from(message.chat()));
  const std::uint64_t seq = message.chat_seq();
  entry.group.apply_event(message);
  if (entry.recipients != nullptr && !message.changes_members() && seq >= entry.from && seq < entry.until) {
    return entry.recipients;
  }
  entry.recipients = entry.group.recipients_at(map_, seq);
  entry.from = seq;
  entry.until = std::numeric_limits<std::uint64_t>::max();
  for (const Group::Member& member : entry.group.members()) {
    for (const Group::Span& span : member.spans) {
      if (span.joined > seq) entry.until = std::min(entry.until, span.joined);
      if (span.left >= seq) entry.until = std::min(entry.until, span.left + 1);
    }
  }
  return entry.recipients;
}

}  // namespace godwit
