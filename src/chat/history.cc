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

// Gathers a page from where the reader asked, so that what does not fit is left for the next: commits are large, and
// a page of them must not be read as a whole.
class Page {
 public:
  Page(bool forward, std::size_t max_bytes) : forward_(forward), max_bytes_(max_bytes) {}

  // False, and nothing is added, when the page has enough.
  bool add(std::string envelope) {
    if (!entries_.empty() && bytes_ + envelope.size() > max_bytes_) full_ = true;
    if (full_) return false;
    bytes_ += envelope.size();
    entries_.push_back({std::move(envelope)});
    return true;
  }

  void finish(HistoryResult& result) {
    if (!forward_) std::reverse(entries_.begin(), entries_.end());
    result.entries = std::move(entries_);
    result.more |= full_;
  }

 private:
  const bool forward_;
  const std::size_t max_bytes_;
  std::vector<HistoryEntry> entries_;
  std::size_t bytes_ = 0;
  bool full_ = false;
};

// What the reader sees of the tail, in the order of the page.
struct Recent {
  std::vector<RecordPtr> records;
  std::int64_t now_ms;

  void add_to(Page& page) const {
    for (const RecordPtr& record : records) {
      const auto& message = record->body.message();
      const bool expired = message.expires_ms() != 0 && message.expires_ms() <= now_ms;
      if (!page.add(expired ? without_content(message.envelope(), GoneReason::expired) : message.envelope())) return;
    }
  }
};

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
    Recent recent{{}, now};
    for (std::uint64_t seq = std::max(range.first, chat.stored_end() + 1); seq <= range.last; ++seq) {
      const RecordPtr* record = chat.in_tail(seq);
      if (record == nullptr || is_hidden(seq)) continue;
      if ((*record)->body.message().hidden_from() != request.reader.value) recent.records.push_back(*record);
    }
    if (!request.forward) std::reverse(recent.records.begin(), recent.records.end());
    Page page(request.forward, options_.history_page_bytes);
    const std::uint64_t stored_last = std::min(range.last, chat.stored_end());
    if (range.first > stored_last) {
      recent.add_to(page);
      page.finish(result);
      return reply(std::move(result));
    }
    // What the store does not know yet.
    std::vector<std::pair<std::uint64_t, std::string>> rewritten;
    for (std::uint64_t seq = range.first; seq <= stored_last; ++seq) {
      const std::string* encoded = chat.rewritten(seq);
      store::LogEntry entry;
      if (encoded != nullptr && entry.ParseFromString(*encoded)) rewritten.emplace_back(seq, entry.envelope());
    }
    wiring_.readers.post([this, request, hidden = std::move(hidden), rewritten = std::move(rewritten), page,
                          first = range.first, stored_last, result = std::move(result), recent = std::move(recent),
                          reply]() mutable {
      if (!request.forward) recent.add_to(page);
      godwit::read_log(wiring_.store, wiring_.map, request.chat, first, stored_last, !request.forward, recent.now_ms,
                       [&](std::uint64_t seq, store::LogEntry& entry) {
                         if (entry.hidden_from() == request.reader.value ||
                             std::binary_search(hidden.begin(), hidden.end(), seq)) {
                           return true;
                         }
                         for (auto& [at, envelope] : rewritten) {
                           if (at == seq) entry.set_envelope(envelope);
                         }
                         return page.add(std::move(*entry.mutable_envelope()));
                       });
      if (request.forward) recent.add_to(page);
      page.finish(result);
      wiring_.worker.post([reply, result = std::move(result)] { reply(result); });
    });
  });
}

}  // namespace godwit
