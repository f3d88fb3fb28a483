// Pages of a chat's log: the committed part only, store and tail as one.
#include <algorithm>

#include "chat/chat_service.h"
#include "protocol/codec.h"
#include "storage/log_reader.h"

namespace godwit {
namespace {

struct Range {
  std::uint64_t first;
  std::uint64_t last;
};

// The positions a page covers; empty (first > last) when there are none.
Range page_range(const HistoryRequest& request, std::uint64_t begin, std::uint64_t end, std::uint32_t limit) {
  if (request.forward) {
    const std::uint64_t first = std::max(std::min(request.after, end) + 1, begin);
    return {first, std::min(end, first + limit - 1)};
  }
  const std::uint64_t last = request.before == 0 ? end : std::min(end, request.before - 1);
  return {std::max(last > limit ? last - limit + 1 : 1, begin), last};
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
  chats_.with(request.chat, [this, request, reply = std::move(reply)](Chat& chat) {
    // Members of a group see it from when they came in.
    if (!chat.has(request.reader)) return reply(Errc::chat_not_found);
    const std::uint64_t begin = chat.group() != nullptr ? chat.group()->present(request.reader)->joined() : 1;
    const std::uint32_t limit = std::min(request.limit == 0 ? 50U : request.limit, options_.history_page_max);
    const Range range = page_range(request, begin, chat.end(), limit);
    HistoryResult result;
    result.chat_end = chat.end();
    result.more = range.first <= range.last && (request.forward ? range.last < chat.end() : range.first > begin);

    const std::int64_t now = wiring_.clock.wall_ms();
    std::vector<std::uint64_t> hidden = *chat.hidden_of(request.reader);
    std::sort(hidden.begin(), hidden.end());
    const auto is_hidden = [&hidden](std::uint64_t seq) {
      return std::binary_search(hidden.begin(), hidden.end(), seq);
    };
    std::vector<HistoryEntry> recent;
    for (std::uint64_t seq = std::max(range.first, chat.stored_end() + 1); seq <= range.last; ++seq) {
      const RecordPtr* record = chat.in_tail(seq);
      if (record == nullptr || is_hidden(seq)) continue;
      const auto& message = (*record)->body.message();
      if (message.hidden_from() == request.reader.value) continue;
      const bool expired = message.expires_ms() != 0 && message.expires_ms() <= now;
      recent.push_back({expired ? without_content(message.envelope(), GoneReason::expired) : message.envelope()});
    }
    const std::uint64_t stored_last = std::min(range.last, chat.stored_end());
    if (range.first > stored_last) {
      result.entries = std::move(recent);
      fit(result, request.forward, options_.history_page_bytes);
      return reply(std::move(result));
    }
    // What the store does not know yet.
    std::vector<std::pair<std::uint64_t, store::LogEntry>> rewritten;
    for (std::uint64_t seq = range.first; seq <= stored_last; ++seq) {
      const std::string* entry = chat.rewritten(seq);
      if (entry != nullptr) rewritten.emplace_back(seq, store::LogEntry()).second.ParseFromString(*entry);
    }
    wiring_.readers.post([this, request, now, hidden = std::move(hidden), rewritten = std::move(rewritten), first = range.first, stored_last, result = std::move(result),
                          recent = std::move(recent), reply]() mutable {
      godwit::read_log(wiring_.store, wiring_.map, request.chat, first, stored_last, false, now,
                       [&](std::uint64_t seq, store::LogEntry& entry) {
                         for (auto& [at, changed] : rewritten) {
                           if (at == seq) entry.set_envelope(changed.envelope());
                         }
                         if (entry.hidden_from() != request.reader.value &&
                             !std::binary_search(hidden.begin(), hidden.end(), seq)) {
                           result.entries.push_back({std::move(*entry.mutable_envelope())});
                         }
                         return true;
                       });
      for (auto& e : recent) result.entries.push_back(std::move(e));
      fit(result, request.forward, options_.history_page_bytes);
      wiring_.worker.post([reply, result = std::move(result)] { reply(result); });
    });
  });
}

}  // namespace godwit
