#include "inbox/inbox.h"

#include <algorithm>


namespace godwit {
namespace {

Positions from_row(const store::Positions& row) {
  return {row.delivered(), row.read()};
}

void to_row(const Positions& positions, store::Positions* row) {
  row->set_delivered(positions.delivered);
  row->set_read(positions.read);
}

// Entries that follow one another both here and in their chat's log.
struct Run {
  ChatId chat;
  UserId peer;
  std::uint64_t last_seq = 0;
  std::uint64_t chat_seq = 0;
  std::uint32_t count = 0;
  std::int64_t time_ms = 0;
};

void add_to_runs(std::vector<Run>& runs, UserId user, std::uint64_t seq, const Record& record) {
  const auto& message = record.body.message();
  const ChatId chat = ChatId::from(message.chat());
  if (!runs.empty() && runs.back().chat == chat && runs.back().chat_seq + 1 == message.chat_seq()) {
    Run& run = runs.back();
    run.last_seq = seq;
    run.chat_seq = message.chat_seq();
    run.time_ms = record.body.time_ms();
    ++run.count;
    return;
  }
  // Groups have neither member: the peer is then none.
  const UserId peer(message.low_member() == user.value ? message.high_member() : message.low_member());
  runs.push_back({chat, peer, seq, message.chat_seq(), 1, record.body.time_ms()});
}

void put_runs(Partition partition, UserId user, const std::vector<Run>& runs, CheckpointRows& rows) {
  store::InboxRun row;
  for (const Run& run : runs) {
    row.set_chat(run.chat.str());
    row.set_chat_seq(run.chat_seq);
    row.set_count(run.count);
    row.set_time_ms(run.time_ms);
    row.set_peer(run.peer.value);
    rows.put(Column::inbox, inbox_key(partition, user, InboxSeq(run.last_seq)), row.SerializeAsString());
  }
}

}  // namespace

void Inbox::load(const std::optional<std::string>& row) {
  if (!row) return;
  store::InboxRow stored;
  if (!stored.ParseFromString(*row)) return;
  applied_ = stored.applied_lsn();
  end_ = stored.end();
  floor_ = stored.floor();
  stored_end_ = stored.end();
  marks_changed_ = stored.marks_changed();
  closed_ = stored.closed();
  cursors_.clear();
  for (const auto& c : stored.cursors()) cursors_.push_back({DeviceId(c.device_id()), c.cursor()});
}

void Inbox::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
  const store::Record& body = record->body;
  switch (body.body_case()) {
    case store::Record::kMessage:
      append(record);
      break;
    case store::Record::kWatermark:
    case store::Record::kGroupWatermark:
      set_mark(*record);
      break;
    case store::Record::kUserCreated:
      cursors_ = {{DeviceId(body.user_created().device().device_id()), 0}};
      break;
    case store::Record::kDeviceAdded:
      if (closed_) break;  // decided before the account was deleted
      cursors_.push_back({DeviceId(body.device_added().device().device_id()), end_});
      break;
    case store::Record::kDeviceRevoked:
      remove_device(DeviceId(body.device_revoked().device_id()));
      break;
    case store::Record::kUserDeleted:
      closed_ = true;
      cursors_.clear();
      marks_.clear();
      tail_.clear();
      break;
    default:
      break;
  }
}

void Inbox::append(const RecordPtr& record) {
  if (closed_) return;
  const auto& message = record->body.message();
  const bool group = message.group_sender() != 0;
  if (message.removes_seq() != 0) {
    remove_entry(message);
    removed_.push_back({ChatId::from(message.chat()), message.removes_seq(), record->lsn.value});
  }
  if (message.first_in_chat() || message.changes_members()) note_chat(*record);
  const std::uint64_t sender = group ? message.group_sender()
                                     : (message.from_high() ? message.high_member() : message.low_member());
  if (sender == user_.value && !message.copy_to_sender()) return;
  ++end_;
  tail_.push_back(record);
  trim();
}

void Inbox::remove_entry(const store::MessageAppended& removal) {
  for (std::size_t i = 0; i < tail_.size(); ++i) {
    const auto& message = tail_[i]->body.message();
    if (message.chat_seq() == removal.removes_seq() && message.chat() == removal.chat()) {
      tail_[i] = without_content(*tail_[i], removal);
    }
  }
}

bool Inbox::removed(const ChatId& chat, std::uint64_t chat_seq) const {
  return std::any_of(removed_.begin(), removed_.end(),
                     [&](const Removed& r) { return r.chat == chat && r.chat_seq == chat_seq; });
}

// A chat that the user did not have, or a group that they leave.
void Inbox::note_chat(const Record& record) {
  const auto& message = record.body.message();
  const ChatId chat = ChatId::from(message.chat());
  if (message.group_sender() == 0) {
    const bool low = message.low_member() == user_.value;
    touch_mark(chat, UserId(low ? message.high_member() : message.low_member()), record.lsn.value);
    return;
  }
  const auto has = [this](const auto& users) { return std::find(users.begin(), users.end(), user_.value) != users.end(); };
  const bool left = has(message.leavers());
  if (left || has(message.joiners())) touch_mark(chat, UserId(), record.lsn.value).left = left;
}

Mark& Inbox::touch_mark(const ChatId& chat, UserId peer, std::uint64_t lsn) {
  auto it = std::find_if(marks_.begin(), marks_.end(), [&](const Mark& m) { return m.chat == chat; });
  if (it == marks_.end()) {
    marks_.push_back({chat, peer, {}, {}, false, 0, 0});
    it = marks_.end() - 1;
  }
  it->changed_at = end_;
  it->lsn = lsn;
  marks_changed_ = std::max(marks_changed_, end_ + 1);
  return *it;
}

void Inbox::set_mark(const Record& record) {
  if (closed_) return;
  if (record.body.has_group_watermark()) {
    const auto& w = record.body.group_watermark();
    for (const auto& member : w.members()) {
      if (member.user() != user_.value) continue;
      touch_mark(ChatId::from(w.chat()), UserId(), record.lsn.value).own = {member.delivered(), member.read()};
    }
    return;
  }
  const auto& w = record.body.watermark();
  const bool low = w.low_member() == user_.value;
  Mark& mark = touch_mark(ChatId::from(w.chat()), UserId(low ? w.high_member() : w.low_member()), record.lsn.value);
  mark.own = from_row(low ? w.low() : w.high());
  const store::Positions& other = low ? w.high() : w.low();
  mark.other = {other.delivered(), other.shown_read()};
}

const Mark* Inbox::mark(const ChatId& chat) const {
  const auto it = std::find_if(marks_.begin(), marks_.end(), [&](const Mark& m) { return m.chat == chat; });
  return it != marks_.end() ? &*it : nullptr;
}

void Inbox::remove_device(DeviceId device) {
  std::erase_if(cursors_, [&](const Cursor& c) { return c.device == device; });
  trim();
}

const RecordPtr* Inbox::in_tail(std::uint64_t seq) const {
  const std::uint64_t first = tail_first();
  return seq >= first && seq <= end_ ? &tail_[seq - first] : nullptr;
}

std::uint64_t Inbox::position_of(const ChatId& chat, std::uint64_t chat_seq) const {
  for (std::size_t i = 0; i < tail_.size(); ++i) {
    const auto& message = tail_[i]->body.message();
    if (message.chat_seq() == chat_seq && message.chat() == chat.view()) return tail_first() + i;
  }
  return 0;
}

std::optional<std::uint64_t> Inbox::cursor(DeviceId device) const {
  for (const Cursor& c : cursors_) {
    if (c.device == device) return c.value;
  }
  return std::nullopt;
}

Status Inbox::acknowledge(DeviceId device, std::uint64_t cursor, std::uint64_t delivered) {
  for (Cursor& c : cursors_) {
    if (c.device != device) continue;
    if (cursor > delivered) return Errc::cursor_ahead;
    if (cursor < c.value) return Errc::cursor_behind;
    c.value = cursor;
    trim();
    return Unit{};
  }
  return Errc::device_revoked;
}

std::uint64_t Inbox::lowest_cursor() const {
  std::uint64_t lowest = end_;
  for (const Cursor& c : cursors_) lowest = std::min(lowest, c.value);
  return lowest;
}

void Inbox::trim() {
  const std::uint64_t read_by_all = lowest_cursor();
  if (end_ - read_by_all > max_entries_) floor_ = std::max(floor_, end_ - max_entries_);
  const std::uint64_t gone = std::max(read_by_all, floor_);
  while (!tail_.empty() && end_ - tail_.size() < gone) tail_.pop_front();
}

std::size_t Inbox::collect(const PartitionMap& map, Collector& out) {
  const Partition partition = map.partition(user_);
  store::InboxRow row;
  row.set_applied_lsn(applied_);
  row.set_end(end_);
  row.set_floor(floor_);
  row.set_marks_changed(marks_changed_);
  row.set_closed(closed_);
  for (const Cursor& c : cursors_) {
    auto* stored = row.add_cursors();
    stored->set_device_id(c.device.value);
    stored->set_cursor(c.value);
  }
  out.rows.put(Column::inbox_meta, user_key(partition, user_), row.SerializeAsString());

  std::vector<Run> runs;
  const std::uint64_t first = std::max(end_ - tail_.size(), stored_end_) + 1;
  for (std::uint64_t seq = first; seq <= end_; ++seq) add_to_runs(runs, user_, seq, **in_tail(seq));
  const std::size_t entries = end_ + 1 - first;
  if (!runs.empty()) {
    out.later.push_back([partition, user = user_, runs = std::move(runs)](CheckpointRows& rows) {
      put_runs(partition, user, runs, rows);
    });
  }

  for (const Mark& mark : marks_) {
    store::MarkRow stored;
    stored.set_applied_lsn(mark.lsn);
    stored.set_peer(mark.peer.value);
    stored.set_changed_at(mark.changed_at);
    to_row(mark.own, stored.mutable_own());
    to_row(mark.other, stored.mutable_other());
    stored.set_left(mark.left);
    out.rows.put(Column::mark, mark_key(partition, user_, mark.chat), stored.SerializeAsString());
  }
  collected_end_ = end_;
  collected_lsn_ = applied_;
  return 1 + entries;
}

bool Inbox::checkpointed(std::size_t& budget) {
  stored_end_ = collected_end_;
  while (!tail_.empty() && end_ - tail_.size() < stored_end_) {
    if (budget == 0) return false;
    --budget;
    tail_.pop_front();
  }
  std::erase_if(marks_, [&](const Mark& m) { return m.lsn <= collected_lsn_; });
  if (marks_.empty()) marks_.shrink_to_fit();
  std::erase_if(removed_, [&](const Removed& r) { return r.lsn <= collected_lsn_; });
  return true;
}

}  // namespace godwit
