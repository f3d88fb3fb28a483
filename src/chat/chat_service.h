// What happens in chats on one worker: accepting messages, receipts, pages of the log.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "chat/chat.h"
#include "chat/dedup.h"
#include "godwit/clock.h"
#include "godwit/result.h"
#include "journal/record_writer.h"
#include "storage/row_cache.h"

namespace godwit {

struct ChatOptions {
  std::int64_t dedup_window_ms = 7LL * 24 * 3600 * 1000;
  std::int64_t max_clock_skew_ms = 300'000;  // how far a message id may be ahead of the server's clock
  std::int64_t watermark_interval_ms = 250;  // at most one update per chat in this time
  std::uint32_t history_page_max = 200;
  std::size_t history_page_bytes = 1 << 20;  // at least one entry is returned
  std::size_t dedup_entries = 500'000;       // ids kept in memory per worker
  std::size_t dedup_scan_max = 100'000;      // log entries read for one old message id
  std::size_t cached_chats = 1'000'000;      // per worker
};

struct SentInfo {
  ChatSeq chat_seq;
  std::int64_t time_delta_ms = 0;
};

// `reply` is called exactly once, on worker `reply_worker`.
struct SendRequest {
  UserId from;
  DeviceId device;
  UserId to;
  MessageId id;
  std::string payload;
  bool copy_to_sender = false;  // the sender has other devices
  unsigned reply_worker = 0;
  std::function<void(const Result<SentInfo>&)> reply;
};

struct HistoryEntry {
  std::string envelope;
};

struct HistoryRequest {
  UserId reader;
  UserId peer;
  std::uint64_t before = 0;  // 0: from the end
  bool forward = false;
  std::uint64_t after = 0;
  std::uint32_t limit = 50;
};

struct HistoryResult {
  std::vector<HistoryEntry> entries;  // ascending
  std::uint64_t chat_end = 0;
  bool more = false;
};

// What the service needs of the rest of the process; wired by the router.
struct ChatWiring {
  Worker& worker;
  std::vector<Worker*> workers;
  const PartitionMap& map;
  const Clock& clock;
  const Store& store;
  ReaderPool& readers;
  RecordWriter& writer;
  // Tells, on this worker, whether there is such a user.
  std::function<void(UserId, std::function<void(bool)>)> user_exists;
};

// Owner: one worker; everything on its thread. A message's way: send() decides (who is in it, is it new,
// which position), the record goes to the journal, and applied() makes it visible.
class ChatService {
 public:
  ChatService(ChatWiring wiring, const ChatOptions& options, Metrics& metrics);

  void send(SendRequest request);

  // The member's devices have stored (`delivered`) or the user has read (`read`) the chat up to a position.
  // 0 leaves a position as it is. invalid_argument beyond the end; positions never go back.
  // `tell_own`: the member has other devices that should know.
  Status advance(Chat& chat, UserId member, std::uint64_t delivered, std::uint64_t read, bool tell_own);
  void with_chat(const ChatId& id, std::function<void(Chat&)> fn) { chats_.with(id, std::move(fn)); }

  // `reply` runs on this worker.
  void history(const HistoryRequest& request, std::function<void(const Result<HistoryResult>&)> reply);

  // A committed record of one of this worker's chats; also at recovery.
  void applied(const RecordPtr& record);
  // A record that was decided here and refused or lost by the journal.
  void undo(const Record& record);
  // Some account was deleted: recipients are looked at again before they get another message.
  void account_deleted() { ++accounts_epoch_; }
  // After a reload.
  void set_watermark_interval(std::int64_t milliseconds) { options_.watermark_interval_ms = milliseconds; }

  // End of turn and timer: records the positions that are due.
  void flush_watermarks();

  RowCache<ChatId, Chat>& chats() { return chats_; }

 private:
  void decide(Chat& chat, SendRequest request, bool log_was_read);
  // True when the request was answered, or will be, because its id is known.
  bool answer_repeat(const DedupKey& key, SendRequest& request, std::uint64_t hash);
  void accept(Chat& chat, SendRequest request, const DedupKey& key, std::uint64_t hash, std::int64_t now_ms);
  // Puts a send, and those that come after it, aside until resume().
  void hold(Chat& chat, SendRequest request);
  void resume(Chat& chat, bool log_was_read);
  // Reads ids back from the log, from the newest to the given time, then resumes.
  void read_log(Chat& chat, std::int64_t since_ms);
  // Asks for the recipient's account, then resumes or refuses.
  void ask_for_recipient(Chat& chat, UserId recipient);
  void answer(const SendRequest& request, Result<SentInfo> result);
  void record_watermark(Chat& chat);

  const ChatWiring wiring_;
  ChatOptions options_;
  RowCache<ChatId, Chat> chats_;
  DedupTable dedup_;
  // Repeats of messages that are not committed yet wait here.
  std::unordered_map<std::uint64_t, std::vector<SendRequest>> repeats_;
  // The sends of chats that are held, in the order in which they came; the first is what it is held for.
  std::unordered_map<ChatId, std::deque<SendRequest>> held_;
  std::uint64_t accounts_epoch_ = 1;
  struct Due {
    std::int64_t at_ms;
    ChatId chat;
    bool operator>(const Due& other) const { return at_ms > other.at_ms; }
  };
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<ChatId> due_now_;

  Counter& accepted_;
  Counter& repeated_;
  Counter& log_scans_;
  Counter& watermarks_;
};

}  // namespace godwit
