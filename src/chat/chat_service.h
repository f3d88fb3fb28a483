// What happens in chats on one worker: accepting messages and commits, receipts, pages of the log.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "chat/chat.h"
#include "chat/dedup.h"
#include "chat/log_scans.h"
#include "chat/held_sends.h"
#include "chat/send_request.h"
#include "godwit/clock.h"
#include "godwit/result.h"
#include "journal/record_writer.h"
#include "protocol/codec.h"
#include "storage/row_cache.h"

namespace godwit {

struct ChatOptions {
  std::int64_t dedup_window_ms = 7LL * 24 * 3600 * 1000;
  std::int64_t max_clock_skew_ms = 300'000;  // how far a message id may be ahead of the server's clock
  std::int64_t watermark_interval_ms = 250;  // at most one update per chat in this time
  std::int64_t receipt_interval_ms = 1'000;  // the same for groups
  GroupLimits groups;
  std::uint32_t group_messages_per_s = 50;         // of one group; 0 is without limit
  std::uint32_t group_sender_messages_per_s = 10;  // of one member in one group; 0 is without limit
  std::uint32_t history_page_max = 200;
  std::size_t history_page_bytes = 1 << 20;  // at least one entry is returned
  std::size_t dedup_entries = 500'000;       // ids kept in memory per worker
  std::size_t dedup_scan_max = 20'000;       // log entries read for one old message id
  std::size_t max_hidden = 1'000;            // of one user in one chat
  std::uint32_t request_commits_max = 8;     // of a stranger who waits for consent
  std::size_t max_held_bytes = 256 << 20;      // of sends that wait for those before them, per worker
  std::size_t max_held_chat_bytes = 8 << 20;   // the same of one chat
  std::size_t cached_chats = 1'000'000;      // per worker
};

// What a chat needs to know of somebody's account.
struct UserSummary {
  bool exists = false;
  bool asks_first = false;  // strangers, of which the other is one
  std::vector<DeviceId> devices;
};

struct HistoryEntry {
  std::string envelope;
};

struct HistoryRequest {
  UserId reader;
  ChatId chat;
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

struct GroupInfoRequest {
  UserId reader;
  ChatId chat;
  bool direct = false;
  std::string link_hash;  // who is no member comes by this link; else empty
};

struct GroupInfoResult {
  std::uint64_t epoch = 0;
  std::string group_info;
  std::string ratchet_tree;
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
  // Tells, on this worker, what `by` may know of a user.
  std::function<void(UserId user, UserId by, std::function<void(const UserSummary&)>)> describe_user;
  // Tells, in a later turn of this worker, which of the devices there are not (any more). One task for each worker
  // concerned.
  std::function<void(std::vector<DeviceName>, std::function<void(std::vector<DeviceName>)>)> find_gone_devices;
  // Tells a sender, if online, how many have received and read.
  std::function<void(ReceiptUpdate)> push_receipts;
};

// What the chat knows of a message. Times are milliseconds since the Unix epoch; 0 is not yet, or not known;
// Progress::kLongAgo is at an unknown time.
struct Trace {
  std::uint64_t chat_seq = 0;
  std::int64_t accepted_ms = 0;
  std::int64_t durable_ms = 0;
  struct Recipient {
    UserId user;
    std::int64_t delivered_ms = 0;
    std::int64_t read_ms = 0;
    bool hidden = false;  // blocks the sender, who is not to know
  };
  static constexpr std::size_t kMaxRecipients = 100;
  std::vector<Recipient> recipients;
};

struct RemoveRequest {
  SendRequest send;  // `from`, `device`, `chat`, `to`, `id`, `copy_to_sender`, `reply...`
  std::uint64_t chat_seq = 0;
};

// A new invite link.
struct NewLink {
  Group::Link link;
  UserId by;
};

// Owner: one worker; everything on its thread. A message's way: send() decides (who is in it, is it new,
// which position), the record goes to the journal, and applied() makes it visible.
class ChatService {
 public:
  ChatService(ChatWiring wiring, const ChatOptions& options, Metrics& metrics);

  void send(SendRequest request);

  // Removes the content of a message for everyone: its sender may, in groups admins too. message_not_found,
  // not_allowed, and what send() refuses.
  void remove(RemoveRequest request);

  // Where is a message that `user` sent to the chat? chat_not_found, message_not_found.
  void trace(const ChatId& id, UserId user, const MessageId& message, std::function<void(const Result<Trace>&)> reply);

  // Removes a message from the history of one user. message_not_found, too_large (options.max_hidden).
  void hide(const ChatId& id, UserId user, std::uint64_t chat_seq, std::function<void(const Status&)> reply);

  // Of a group: changes that are not in its log. `reply` runs on this worker.
  void make_link(const ChatId& id, const NewLink& link, std::function<void(const Status&)> reply);
  void revoke_link(const ChatId& id, UserId by, const std::string& link_id, std::function<void(const Status&)> reply);
  // A stranger's messages are accepted.
  void give_consent(const ChatId& id, UserId by, std::function<void(const Status&)> reply);

  // The member's devices have stored (`delivered`) or the user has read (`read`) the chat up to a position.
  // 0 leaves a position as it is. invalid_argument beyond the end; positions never go back.
  struct Advance {
    UserId member;
    std::uint64_t delivered = 0;
    std::uint64_t read = 0;
    bool shown = true;      // others may know of what was read
    bool tell_own = false;  // the member has other devices that should know
  };
  Status advance(Chat& chat, const Advance& to);
  void with_chat(const ChatId& id, std::function<void(Chat&)> fn) { chats_.with(id, std::move(fn)); }

  // `reply` runs on this worker.
  void history(const HistoryRequest& request, std::function<void(const Result<HistoryResult>&)> reply);

  // What the latest commit left. `reply` runs on this worker. chat_not_found, invite_link_invalid, not_allowed.
  void group_info(const GroupInfoRequest& request, std::function<void(const Result<GroupInfoResult>&)> reply);

  // A committed record of one of this worker's chats; also at recovery.
  void applied(const RecordPtr& record);
  // A record that was decided here and refused or lost by the journal.
  void undo(const Record& record);
  // Some account was deleted: recipients are looked at again before they get another message.
  void account_deleted() { ++accounts_epoch_; }
  // After a reload.
  void set_intervals(std::int64_t watermark_ms, std::int64_t receipt_ms) {
    options_.watermark_interval_ms = watermark_ms;
    options_.receipt_interval_ms = receipt_ms;
  }

  // End of turn and timer: records the positions that are due.
  void flush_watermarks();

  RowCache<ChatId, Chat>& chats() { return chats_; }

 private:
  void decide(Chat& chat, SendRequest request, bool log_was_read);
  // True when the request was answered, or will be, because its id is known.
  bool answer_repeat(const DedupKey& key, SendRequest& request, std::uint64_t hash);
  void accept(Chat& chat, SendRequest request, const DedupKey& key, std::uint64_t hash, std::int64_t now_ms);
  // Direct chats: consent and epoch. May look for devices first, and is false then, or when it was refused.
  bool admit_direct(Chat& chat, SendRequest& request);
  // What the members of a direct chat have to do with it; fills in the record.
  void address_direct(Chat& chat, const SendRequest& request, bool first, Record& record);

  // groups.cc: what a group has against it; then as accept(). A change holds the chat until it is committed,
  // so that each is decided by what the one before has made of the group.
  void decide_in_group(Chat& chat, SendRequest request, const DedupKey& key, std::uint64_t hash, std::int64_t now_ms);
  Status admit_to_group(Chat& chat, Group& group, SendRequest& request);
  void accept_in_group(Chat& chat, Group& group, SendRequest request, GroupPlan plan, const DedupKey& key,
                       std::uint64_t hash, std::int64_t now_ms);
  Status take_group_rate(Group& group, const SendRequest& request);
  Status take_rate(TokenBucket& bucket, std::uint32_t rate, const SendRequest& request);
  // What a commit costs beyond a message: a token for every 64 KiB.
  static std::uint32_t commit_tokens(const SendRequest& request);

  // commits.cc
  static Status check_epoch(const Chat& chat, const SendRequest& request);
  // Are those that it lets in devices of somebody who is in the chat, by `is_in`? True when they are known to be.
  // Else the request was refused, or the chat is held until that is known.
  bool admit_joins(Chat& chat, SendRequest& request, const std::function<bool(UserId)>& is_in);
  void found_joins(Chat& chat, std::vector<DeviceName> gone);
  // Fills in what a commit adds to the record; and to the envelope.
  static void add_commit(const SendRequest& request, store::MessageAppended& message, EnvelopeExtras& extras);
  // What comes after is decided when this is committed, by what it has made of the chat.
  static void hold_for(Chat& chat, ChatSeq seq);
  void read_group_info(const ChatId& id, std::uint64_t epoch, std::function<void(const Result<GroupInfoResult>&)> reply);

  void change_door(const ChatId& id, store::GroupDoorChanged change,
                   std::function<void(const Status&)> done);
  void send_receipts(Chat& chat);
  Status check_devices(const SendRequest& request, const UserSummary& recipient) const;
  // Gives a record to the journal; `reply` is told when it is committed.
  void write(std::shared_ptr<Record> record, SendRequest& request, const SentInfo& info);
  // As of now; `reply` runs on this worker.
  void write(std::shared_ptr<Record> record, std::function<void(const Status&)> reply);
  // Puts a send, and those that come after it, aside until resume(). False when there is no room, and it was refused.
  bool hold(Chat& chat, SendRequest request);
  void resume(Chat& chat, bool log_was_read);
  // scan.cc: ids that the table has forgotten.
  bool scan_for(Chat& chat, SendRequest& request, const DedupKey& key, std::uint64_t hash, std::int64_t since_ms,
                bool log_was_read);
  // Takes a look into the log from what the user has; returns the milliseconds to wait when there is none left.
  std::uint32_t take_scan(Chat& chat, UserId user);
  // Reads ids back from the log, from the newest to the given time, then resumes.
  void read_log(Chat& chat, std::int64_t since_ms);
  // Asks for the recipient's account, then resumes or refuses.
  void ask_for_recipient(Chat& chat, UserId recipient, UserId sender);
  void found_recipient(Chat& chat, const UserSummary& recipient, std::uint64_t epoch);
  void answer(const SendRequest& request, Result<SentInfo> result);
  void wait_for_watermark(Chat& chat, std::int64_t interval_ms);
  void record_watermark(Chat& chat);
  static void fill_watermark(Chat& chat, store::WatermarkAdvanced& watermark);
  Trace trace_found(Chat& chat, UserId user, std::uint64_t seq) const;
  void remove_found(RemoveRequest request, const std::string& envelope);
  // A change is committed, or will never be: what waited for it goes on.
  void change_settled(Chat& chat);

  const ChatWiring wiring_;
  ChatOptions options_;
  RowCache<ChatId, Chat> chats_;
  DedupTable dedup_;
  LogScans scans_;
  // Repeats of messages that are not committed yet wait here, without content.
  std::unordered_map<std::uint64_t, std::vector<SendRequest>> repeats_;
  HeldSends held_;
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
  Counter& group_messages_;
  Counter& group_entries_;
  Counter& group_changes_;
  Counter& group_limited_;
  Counter& commits_;
  Counter& stale_commits_;
  Counter& receipts_;
};

}  // namespace godwit
