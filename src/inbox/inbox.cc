#include "inbox/inbox.h"

#include <algorithm>

#include "protocol/codec.h"

namespace godwit {
namespace {

Positions from_row(const store::Positions& row) {
  return {row.delivered(), row.read()};
}

void to_row(const Positions& positions, store::Positions* row) {
  row->set_delivered(positions.delivered);
  row->set_read(positions.read);
}

void put_entries(Partition partition, UserId user, std::uint64_t first, const std::vector<RecordPtr>& records,
                 CheckpointRows& rows) {
  store::InboxEntry entry;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& message = records[i]->body.message();
    entry.set_envelope(message.envelope());
    entry.set_time_ms(records[i]->body.time_ms());
    const UserId low(message.low_member());
    const UserId high(message.high_member());
    const UserId sender = message.from_high() ? high : low;
    if (sender == user) append_envelope_to(*entry.mutable_envelope(), message.from_high() ? low : high);
    rows.put(Column::inbox, inbox_key(partition, user, InboxSeq(first + i)), entry.SerializeAsString());
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
      set_mark(*record);
      break;
    case store::Record::kUserCreated:
      cursors_ = {{DeviceId(body.user_created().device().device_id()), 0}};
      break;
    case store::Record::kDeviceAdded:
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
  ++end_;
  tail_.push_back(record);
  trim();
}

void Inbox::set_mark(const Record& record) {
  if (closed_) return;
  const auto& w = record.body.watermark();
  const bool low = w.low_member() == user_.value;
  Mark mark;
  mark.chat = ChatId::from(w.chat());
  mark.peer = UserId(low ? w.high_member() : w.low_member());
  mark.own = from_row(low ? w.low() : w.high());
  mark.other = from_row(low ? w.high() : w.low());
  mark.changed_at = end_;
  mark.lsn = record.lsn.value;
  marks_changed_ = std::max(marks_changed_, end_ + 1);
  const auto it = std::find_if(marks_.begin(), marks_.end(), [&](const Mark& m) { return m.chat == mark.chat; });
  if (it != marks_.end()) {
    *it = mark;
  } else {
    marks_.push_back(mark);
  }
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

  std::vector<RecordPtr> fresh;
  const std::uint64_t first = std::max(end_ - tail_.size(), stored_end_) + 1;
  for (std::uint64_t seq = first; seq <= end_; ++seq) fresh.push_back(*in_tail(seq));
  const std::size_t entries = fresh.size();
  if (!fresh.empty()) {
    out.later.push_back([partition, user = user_, first, fresh = std::move(fresh)](CheckpointRows& rows) {
      put_entries(partition, user, first, fresh, rows);
    });
  }

  for (const Mark& mark : marks_) {
    store::MarkRow stored;
    stored.set_applied_lsn(mark.lsn);
    stored.set_peer(mark.peer.value);
    stored.set_changed_at(mark.changed_at);
    to_row(mark.own, stored.mutable_own());
    to_row(mark.other, stored.mutable_other());
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
  return true;
}

}  // namespace godwit
