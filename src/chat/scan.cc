// Old message ids, looked up in the log: what the table of ids has forgotten.
#include <utility>

#include "chat/chat_service.h"
#include "protocol/codec.h"
#include "storage/log_reader.h"

namespace godwit {
namespace {

// Looks into the log that a user has in one chat: ten at once, then one in ten seconds.
constexpr std::uint32_t kScanCost = 10;
constexpr std::uint32_t kScanBurst = 10 * kScanCost;

void add(LogScan& scan, std::string_view envelope, std::int64_t time_ms) {
  if (const auto view = parse_envelope(envelope)) {
    scan.ids.push_back({DedupKey::of(scan.chat, view->from, view->id),
                        {view->chat_seq, time_ms, content_hash(view->payload), true}});
  }
}

}  // namespace

// A look into the log costs the others on the readers milliseconds, and its sender a token.
std::uint32_t ChatService::take_scan(Chat& chat, UserId user) {
  TokenBucket* bucket = nullptr;
  if (Group* group = chat.group()) {
    Group::Member* member = group->find(user);
    if (member != nullptr) bucket = &member->scans;
  } else if (chat.has(user)) {
    bucket = &chat.member(user).scans;
  }
  return bucket != nullptr ? bucket->take(wiring_.clock.steady_ms(), 1, kScanBurst, kScanCost) : 0;
}

// The table has forgotten something of since `since_ms`: was it the id? False when it was not; else the request was
// answered, or the chat is held until the log was read.
bool ChatService::scan_for(Chat& chat, SendRequest& request, const DedupKey& key, std::uint64_t hash,
                           std::int64_t since_ms, bool log_was_read) {
  const LogScan* scan = scans_.find(chat.id());
  // For the one that the chat was held for it has all: nothing was decided meanwhile.
  if (scan != nullptr && !log_was_read && scan->upto < dedup_.forgotten()) scan = nullptr;
  if (scan != nullptr) {
    if (const DedupEntry* found = scan->find(key)) {
      dedup_.insert(key, *found);
      return answer_repeat(key, request, hash);
    }
    if (scan->from_ms <= since_ms) return false;
  }
  // Further back than may be read: nobody can say that it is new.
  if (log_was_read || (scan != nullptr && !scan->whole)) {
    answer(request, Errc::message_id_expired);
    return true;
  }
  const std::uint32_t wait = request.of_server ? 0 : take_scan(chat, request.from);
  if (wait != 0) {
    answer(request, Error(Errc::rate_limited, "too many old message ids", wait));
  } else if (hold(chat, std::move(request))) {
    read_log(chat, since_ms);
  }
  return true;
}

void ChatService::read_log(Chat& chat, std::int64_t since_ms) {
  log_scans_.Increment();
  const std::uint64_t last = chat.stored_end();
  LogScan scan;
  scan.chat = chat.id();
  // A little further back than asked for, so that the next few old ids need no scan of their own.
  scan.from_ms = since_ms - options_.max_clock_skew_ms;
  // What is decided and not committed yet is in the table alone, at a place that nobody knows.
  scan.upto = chat.decided_end() == chat.end() ? dedup_.inserted() : dedup_.forgotten();
  scan.whole = true;
  // Newest first. The table may have forgotten what the tail still has.
  for (std::uint64_t seq = chat.end(); seq > last; --seq) {
    const RecordPtr* record = chat.in_tail(seq);
    if (record == nullptr || (*record)->body.time_ms() < scan.from_ms) break;
    add(scan, (*record)->body.message().envelope(), (*record)->body.time_ms());
  }
  wiring_.readers.post([this, last, scan = std::move(scan)]() mutable {
    std::size_t left = options_.dedup_scan_max;
    godwit::read_log(wiring_.store, wiring_.map, scan.chat, 1, last, true, 0,
                     [&](std::uint64_t, store::LogEntry& entry) {
                       if (entry.time_ms() < scan.from_ms) return false;
                       if (left-- == 0) {
                         // Entries of one millisecond may be on both sides.
                         scan.from_ms = entry.time_ms() + 1;
                         scan.whole = false;
                         return false;
                       }
                       add(scan, entry.envelope(), entry.time_ms());
                       return true;
                     });
    scan.sort();
    wiring_.worker.post([this, scan = std::move(scan)]() mutable {
      const ChatId id = scan.chat;
      scans_.keep(std::move(scan));
      // Loaded still: a chat that is held is never idle.
      chats_.with(id, [&](Chat& again) { resume(again, true); });
    });
  });
}

}  // namespace godwit
