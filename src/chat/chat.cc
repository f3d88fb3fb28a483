#include "chat/chat.h"

#include <algorithm>

#include "protocol/codec.h"

namespace godwit {
namespace {

void to_row(const Chat::Member& member, store::Positions* row) {
  row->set_delivered(member.delivered);
  row->set_read(member.read);
}

void raise(Chat::Member& member, const store::Positions& to) {
  member.delivered = std::max(member.delivered, to.delivered());
  member.read = std::max(member.read, to.read());
}

void put_entries(Partition partition, const ChatId& id, std::uint64_t first, const std::vector<RecordPtr>& records,
                 CheckpointRows& rows) {
  store::LogEntry entry;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& message = records[i]->body.message();
    entry.set_envelope(message.envelope());
    entry.set_time_ms(records[i]->body.time_ms());
    entry.set_hidden_from(message.hidden_from());
    rows.put(Column::chat_log, log_key(partition, id, ChatSeq(first + i)), entry.SerializeAsString());
  }
}

}  // namespace

void Chat::load(const std::optional<std::string>& row) {
  store::ChatRow stored;
  if (row && stored.ParseFromString(*row)) {
    applied_ = stored.applied_lsn();
    end_ = stored_end_ = stored.end();
    end_time_ms_ = stored.end_time_ms();
    ahead_ms_ = stored.ahead_ms();
    members_[0] = {UserId(stored.low_member()), stored.low().delivered(), stored.low().read(), stored.low_blocks(),
                   false};
    members_[1] = {UserId(stored.high_member()), stored.high().delivered(), stored.high().read(),
                   stored.high_blocks(), false};
  }
  decided_end_ = end_;
  decided_time_ms_ = end_time_ms_;
  dedup_from_ms = end_time_ms_ + 1;
}

void Chat::set_members(UserId a, UserId b) {
  members_[0].user = std::min(a, b);
  members_[1].user = std::max(a, b);
}

Chat::Place Chat::decide(std::int64_t now_ms, const MessageId& id) {
  decided_time_ms_ = std::max(decided_time_ms_, now_ms);
  ahead_ms_ = std::max(ahead_ms_, id.time_ms() - decided_time_ms_);
  return {ChatSeq(++decided_end_), decided_time_ms_};
}

void Chat::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
  const store::Record& body = record->body;
  switch (body.body_case()) {
    case store::Record::kMessage:
      append(record);
      break;
    case store::Record::kWatermark:
      set_positions(body.watermark());
      break;
    case store::Record::kBlockChanged: {
      const auto& block = body.block_changed();
      if (!exists()) set_members(UserId(block.blocker()), UserId(block.blocked()));
      member(UserId(block.blocker())).blocks = !block.lifted();
      break;
    }
    default:
      break;
  }
}

void Chat::append(const RecordPtr& record) {
  const auto& message = record->body.message();
  if (!exists()) set_members(UserId(message.low_member()), UserId(message.high_member()));
  end_ = message.chat_seq();
  end_time_ms_ = record->body.time_ms();
  if (const auto view = parse_envelope(message.envelope())) {
    ahead_ms_ = std::max(ahead_ms_, -view->time_delta_ms);
  }
  decided_end_ = std::max(decided_end_, end_);
  decided_time_ms_ = std::max(decided_time_ms_, end_time_ms_);
  tail_.push_back(record);
}

void Chat::set_positions(const store::WatermarkAdvanced& watermark) {
  raise(members_[0], watermark.low());
  raise(members_[1], watermark.high());
}

const RecordPtr* Chat::in_tail(std::uint64_t seq) const {
  if (tail_.empty() || seq > end_) return nullptr;
  const std::uint64_t first = end_ - tail_.size() + 1;
  return seq >= first ? &tail_[seq - first] : nullptr;
}

std::size_t Chat::collect(const PartitionMap& map, Collector& out) {
  const Partition partition = map.partition(id_);
  store::ChatRow row;
  row.set_applied_lsn(applied_);
  row.set_end(end_);
  row.set_end_time_ms(end_time_ms_);
  row.set_low_member(members_[0].user.value);
  row.set_high_member(members_[1].user.value);
  to_row(members_[0], row.mutable_low());
  to_row(members_[1], row.mutable_high());
  row.set_ahead_ms(ahead_ms_);
  row.set_low_blocks(members_[0].blocks);
  row.set_high_blocks(members_[1].blocks);
  out.rows.put(Column::chat, chat_key(partition, id_), row.SerializeAsString());

  std::vector<RecordPtr> fresh;
  const std::uint64_t first = std::max(end_ - tail_.size(), stored_end_) + 1;
  for (std::uint64_t seq = first; seq <= end_; ++seq) fresh.push_back(*in_tail(seq));
  const std::size_t entries = fresh.size();
  if (!fresh.empty()) {
    out.later.push_back([partition, id = id_, first, fresh = std::move(fresh)](CheckpointRows& rows) {
      put_entries(partition, id, first, fresh, rows);
    });
  }
  collected_end_ = end_;
  return 1 + entries;
}

bool Chat::checkpointed(std::size_t& budget) {
  stored_end_ = collected_end_;
  while (!tail_.empty() && end_ - tail_.size() < stored_end_) {
    if (budget == 0) return false;
    --budget;
    tail_.pop_front();
  }
  return true;
}

}  // namespace godwit
