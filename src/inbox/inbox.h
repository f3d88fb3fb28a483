// One user's inbox: what waits for the user's devices, in order, and how far each has got.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fifo.h"
#include "godwit/ids.h"
#include "godwit/result.h"
#include "storage/partition_map.h"
#include "storage/record.h"
#include "storage/collector.h"
#include "storage/store.h"

namespace godwit {

// How far a member of a chat has received and read it.
struct Positions {
  std::uint64_t delivered = 0;
  std::uint64_t read = 0;
  bool operator==(const Positions&) const = default;
};

// One of the user's chats, and the positions in it as the user's devices are told them.
struct Mark {
  ChatId chat;
  UserId peer;  // none in groups
  Positions own;
  Positions other;
  bool left = false;  // groups: not a member any more
  // The inbox's end when they moved: a device whose cursor is not beyond has not seen them.
  std::uint64_t changed_at = 0;
  std::uint64_t lsn = 0;
};

// Entries have positions 1, 2, 3... They are in one of three places: acknowledged by every device (gone),
// in the store (up to stored_end()), or in the tail in memory (after stored_end()). A checkpoint moves the
// tail into the store; what every device has acknowledged by then is never written. The store has no content:
// entries are runs of positions in the logs of chats (page.h reads them).
//
// A state of RowCache: owner thread only; records are applied in journal order. Bound: `max_entries`
// unacknowledged entries, beyond which the oldest are removed; devices that missed them are told (Gap).
class Inbox {
 public:
  struct Options {
    std::uint64_t max_entries = 100'000;
  };
  static constexpr Column kColumn = Column::inbox_meta;
  static std::string key(const PartitionMap& map, UserId user) { return user_key(map.partition(user), user); }

  Inbox(UserId user, const Options& options) : user_(user), max_entries_(options.max_entries) {}

  // RowCache
  void load(const std::optional<std::string>& row);
  std::uint64_t applied() const { return applied_; }
  void apply(const RecordPtr& record);
  std::size_t collect(const PartitionMap& map, Collector& out);
  bool checkpointed(std::size_t& budget);
  bool idle() const { return pins_ == 0 && tail_.empty() && marks_.empty() && removed_.empty(); }

  UserId user() const { return user_; }
  bool closed() const { return closed_; }
  // Position of the newest entry; 0 when there never was one.
  std::uint64_t end() const { return end_; }
  // Entries up to here may be in the store; later ones are in the tail, or acknowledged by all.
  std::uint64_t stored_end() const { return stored_end_; }
  // Entries up to here are gone, read or not.
  std::uint64_t floor() const { return floor_; }

  // The first position in the tail; end() + 1 when the tail is empty.
  std::uint64_t tail_first() const { return end_ - tail_.size() + 1; }
  // The entry at a position, when it is in the tail.
  const RecordPtr* in_tail(std::uint64_t seq) const;

  // The position of a chat's message in the tail; 0 when it is not there.
  std::uint64_t position_of(const ChatId& chat, std::uint64_t chat_seq) const;

  // How far the device has acknowledged; nothing when it is not a device of the user.
  std::optional<std::uint64_t> cursor(DeviceId device) const;

  // The device has everything up to `cursor`. `delivered` is the furthest it can know of.
  // cursor_ahead, cursor_behind, or device_revoked. The caller marks the row dirty.
  Status acknowledge(DeviceId device, std::uint64_t cursor, std::uint64_t delivered);

  // Marks that are not in the store yet, and whether the store may have some that a device with this cursor
  // has not seen.
  const std::vector<Mark>& marks() const { return marks_; }
  bool has_marks_since(std::uint64_t cursor) const { return marks_changed_ > cursor; }
  const Mark* mark(const ChatId& chat) const;

  // The message lost its content, and the store may not know it yet.
  bool removed(const ChatId& chat, std::uint64_t chat_seq) const;

  // Kept in memory while a session uses it.
  void pin() { ++pins_; }
  void unpin() { --pins_; }

 private:
  struct Cursor {
    DeviceId device;
    std::uint64_t value;
  };

  void append(const RecordPtr& record);
  void set_mark(const Record& record);
  // The mark of a chat, made when there is none in memory.
  Mark& touch_mark(const ChatId& chat, UserId peer, std::uint64_t lsn);
  void note_chat(const Record& record);
  void remove_entry(const store::MessageAppended& removal);
  void remove_device(DeviceId device);
  std::uint64_t lowest_cursor() const;
  // Forgets tail entries that every device has, and those beyond the bound.
  void trim();

  const UserId user_;
  const std::uint64_t max_entries_;
  std::uint64_t applied_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t floor_ = 0;
  std::uint64_t stored_end_ = 0;
  std::uint64_t collected_end_ = 0;
  std::uint64_t collected_lsn_ = 0;
  std::uint64_t marks_changed_ = 0;
  Fifo<RecordPtr> tail_;  // positions end_ - size + 1 ... end_
  std::vector<Cursor> cursors_;
  std::vector<Mark> marks_;
  struct Removed {
    ChatId chat;
    std::uint64_t chat_seq;
    std::uint64_t lsn;
  };
  std::vector<Removed> removed_;  // since the last checkpoint
  std::uint32_t pins_ = 0;
  bool closed_ = false;
};

}  // namespace godwit
