// Pages of a chat's log: the committed part only, store and tail as one.
#include <algorithm>

#include "chat/chat_id.h"
#include "chat/chat_service.h"

namespace godwit {
namespace {

struct Range {
  std::uint64_t first;
  std::uint64_t last;
};

// The positions a page covers; empty (first > last) when there are none.
Range page_range(const HistoryRequest& request, std::uint64_t end, std::uint32_t limit) {
  if (request.forward) {
    const std::uint64_t first = std::min(request.after, end) + 1;
    return {first, std::min(end, first + limit - 1)};
  }
  const std::uint64_t last = request.before == 0 ? end : std::min(end, request.before - 1);
  return {last > limit ? last - limit + 1 : 1, last};
}

// Keeps a page within its bytes: what lies furthest from where the reader asked is left for the next page.
void fit(HistoryResult& page, bool forward, std::size_t max_bytes) {
  std::size_t bytes = 0;
  std::size_t keep = 0;
  const std::size_t count = page.entries.size();
  while (keep < count) {
    bytes += page.entries[forward ? keep : count - 1 - keep].envelope.size();
    if (keep > 0 && bytes > max_bytes) break;
    ++keep;
  }
  if (keep == count) return;
  page.more = true;
  const auto drop = static_cast<std::ptrdiff_t>(count - keep);
  if (forward) {
    page.entries.erase(page.entries.end() - drop, page.entries.end());
  } else {
    page.entries.erase(page.entries.begin(), page.entries.begin() + drop);
  }
}

}  // namespace

void ChatService::history(const HistoryRequest& request, std::function<void(const Result<HistoryResult>&)> reply) {
  chats_.with(direct_chat_id(request.reader, request.peer), [this, request, reply = std::move(reply)](Chat& chat) {
    if (!chat.exists()) return reply(Errc::chat_not_found);
    const std::uint32_t limit = std::min(request.limit == 0 ? 50U : request.limit, options_.history_page_max);
    const Range range = page_range(request, chat.end(), limit);
    HistoryResult result;
    result.chat_end = chat.end();
    result.more = range.first <= range.last && (request.forward ? range.last < chat.end() : range.first > 1);

    std::vector<HistoryEntry> recent;
    for (std::uint64_t seq = std::max(range.first, chat.stored_end() + 1); seq <= range.last; ++seq) {
      const RecordPtr* record = chat.in_tail(seq);
      if (record == nullptr || (*record)->body.message().hidden_from() == request.reader.value) continue;
      recent.push_back({(*record)->body.message().envelope()});
    }
    const std::uint64_t stored_last = std::min(range.last, chat.stored_end());
    if (range.first > stored_last) {
      result.entries = std::move(recent);
      fit(result, request.forward, options_.history_page_bytes);
      return reply(std::move(result));
    }
    wiring_.readers.post([this, id = chat.id(), reader = request.reader, forward = request.forward, first = range.first, stored_last,
                          result = std::move(result), recent = std::move(recent), reply]() mutable {
      const Partition partition = wiring_.map.partition(id);
      store::LogEntry entry;
      wiring_.store.scan(Column::chat_log, log_key(partition, id, ChatSeq(first)),
                         log_key(partition, id, ChatSeq(stored_last + 1)), false,
                         [&](std::string_view, std::string_view value) {
                           if (entry.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
                               entry.hidden_from() != reader.value) {
                             result.entries.push_back({std::move(*entry.mutable_envelope())});
                           }
                           return true;
                         });
      for (auto& e : recent) result.entries.push_back(std::move(e));
      fit(result, forward, options_.history_page_bytes);
      wiring_.worker.post([reply, result = std::move(result)] { reply(result); });
    });
  });
}

}  // namespace godwit
