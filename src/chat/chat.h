// One chat: its members, the end of its log, what is not yet in the store, how far each member has got.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fifo.h"
#include "base/token_bucket.h"
#include "chat/group.h"
#include "chat/progress.h"
#include "godwit/ids.h"
#include "storage/partition_map.h"
#include "storage/record.h"
#include "storage/collector.h"
#include "storage/store.h"

namespace godwit {

// A direct chat, or a group. Two ends are kept apart: `decided` counts what was given a position, `end` what is
// committed; only the latter is ever visible to a reader.
//
// A state of RowCache: owner thread only; records are applied in journal order.
class Chat {
 public:
  struct Options {};
  struct Member {
    UserId user;
    std::uint64_t delivered = 0;
    std::uint64_t read = 0;
    std::uint64_t shown_read = 0;  // what of `read` the other may know
    Progress deliveries;
    Progress reads;
    std::vector<std::uint64_t> hidden;  // entries that the member removed from their own history
    bool blocks = false;
    bool tell = false;  // of the next watermark
    TokenBucket scans;  // looks into the log for old message ids
  };
  static constexpr Column kColumn = Column::chat;
  static std::string key(const PartitionMap& map, const ChatId& id) { return chat_key(map.partition(id), id); }

  Chat(const ChatId& id, const Options&) : id_(id) {}

  // RowCache
  static MoreRows read_more(const Store& store, const PartitionMap& map, const ChatId& id,
                            const std::optional<std::string>& row);
  void load(const std::optional<std::string>& row, MoreRows more);
  std::uint64_t applied() const { return applied_; }
  void apply(const RecordPtr& record);
  std::size_t collect(const PartitionMap& map, Collector& out);
  bool checkpointed(std::size_t& budget);
  void checkpoint_failed();
  bool idle() const { return tail_.empty() && decided_end_ == end_ && !watermark_waits && !held; }

  const ChatId& id() const { return id_; }
  bool exists() const { return group_ != nullptr || static_cast<bool>(members_[0].user); }
  // Null for direct chats.
  Group* group() { return group_.get(); }
  // Of direct chats.
  std::uint32_t ttl_s() const { return ttl_s_; }
  // What a member removed from their own history; null for who is not one.
  const std::vector<std::uint64_t>* hidden_of(UserId user) const;
  // The present epoch.
  std::uint64_t epoch() const { return group_ ? group_->epoch() : epoch_; }
  // The record with what the latest commit left for devices that join by themselves, unless the store has it.
  const RecordPtr& group_info() const { return group_info_; }
  // The member of a direct chat who has yet to consent to it.
  UserId consent_of() const { return consent_of_; }
  // The position of the one message that waits for consent; 0 when none has come yet.
  std::uint64_t request_seq() const { return request_seq_; }
  // How many commits came from who waits for consent.
  std::uint32_t request_commits() const { return request_commits_; }
  std::uint64_t end() const { return end_; }
  // Includes what is not committed yet.
  std::uint64_t decided_end() const { return decided_end_; }
  std::uint64_t stored_end() const { return stored_end_; }
  // The committed entry at a position, when it is in the tail.
  const RecordPtr* in_tail(std::uint64_t seq) const;
  // What the entry at a position has become since the last checkpoint, as encoded LogEntry; null when it is
  // as the store has it.
  const std::string* rewritten(std::uint64_t seq) const;

  // Is the user in it now? Ids of direct chats can be computed by anyone: what names a chat by its id asks first.
  bool has(UserId user) const;
  Member& member(UserId user) { return members_[members_[0].user == user ? 0 : 1]; }
  Member& other(UserId user) { return members_[members_[0].user == user ? 1 : 0]; }
  const Member& low() const { return members_[0]; }
  const Member& high() const { return members_[1]; }
  void set_members(UserId a, UserId b);

  // Gives out the next position, at a time that never goes back within the chat.
  struct Place {
    ChatSeq seq;
    std::int64_t time_ms;
  };
  Place decide(std::int64_t now_ms, const MessageId& id);
  // Takes back `seq` and everything after it, which the journal refused.
  void undo(ChatSeq seq) { decided_end_ = std::min(decided_end_, seq.value - 1); }

  // Time of the last entry, decided or committed.
  std::int64_t end_time_ms() const { return decided_time_ms_; }

  // Deduplication: everything accepted from this time on went through this worker's table since the chat was loaded.
  std::int64_t dedup_from_ms() const { return dedup_from_ms_; }

  // The furthest that an id's own time was ahead of its acceptance here.
  std::int64_t ahead_ms() const { return ahead_ms_; }

  // A send waits for a look into the log or at accounts; later sends wait behind it.
  bool held = false;
  // It is held for a change, with this position, that is not committed yet; 0: for none.
  std::uint64_t changing_seq = 0;
  // When the recipients' accounts were last known to exist (ChatService::accounts_epoch_); 0: never.
  std::uint64_t recipients_epoch = 0;
  // The recipient of the first message wants to be asked before strangers write.
  bool asks_first = false;
  // Positions have moved and are not recorded yet; when they last were.
  bool watermark_waits = false;
  std::int64_t watermark_at_ms = 0;

 private:
  void append(const RecordPtr& record);
  // Of direct chats; `encoded` is the envelope's ChatEvent, mostly empty.
  void apply_event(const store::MessageAppended& message, std::string_view encoded);
  void apply_consent(const store::MessageAppended& message);
  void collect_group_info(Partition partition, Collector& out);
  void remove_entry(const Record& record);
  void set_positions(const store::WatermarkAdvanced& watermark);

  const ChatId id_;
  Member members_[2];  // the smaller id first; unused in groups
  std::unique_ptr<Group> group_;
  std::uint32_t ttl_s_ = 0;
  std::uint64_t epoch_ = 0;  // of direct chats
  UserId consent_of_;
  std::uint64_t request_seq_ = 0;
  std::uint32_t request_commits_ = 0;
  RecordPtr group_info_;  // the latest that ended an epoch since the last checkpoint
  RecordPtr group_info_collected_;
  // Entries in the store that became others since the last checkpoint, encoded LogEntry by position.
  std::vector<std::pair<std::uint64_t, std::string>> rewritten_;
  std::size_t rewritten_collected_ = 0;
  std::uint64_t applied_ = 0;
  std::uint64_t decided_end_ = 0;
  std::int64_t decided_time_ms_ = 0;
  std::uint64_t end_ = 0;
  std::int64_t end_time_ms_ = 0;
  std::int64_t ahead_ms_ = 0;
  std::int64_t dedup_from_ms_ = 0;
  std::uint64_t stored_end_ = 0;
  std::uint64_t collected_end_ = 0;
  Fifo<RecordPtr> tail_;  // positions end_ - size + 1 ... end_
};

}  // namespace godwit
