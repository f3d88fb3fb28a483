#include "chat/chat.h"

#include <algorithm>

#include "godwit.pb.h"
#include "protocol/codec.h"

namespace godwit {
namespace {

void to_row(const Chat::Member& member, store::Positions* row) {
  row->set_delivered(member.delivered);
  row->set_read(member.read);
  row->set_shown_read(member.shown_read);
  for (const std::uint64_t seq : member.hidden) row->add_hidden(seq);
}

void raise(Chat::Member& member, const store::Positions& to) {
  member.delivered = std::max(member.delivered, to.delivered());
  member.read = std::max(member.read, to.read());
  member.shown_read = std::max(member.shown_read, to.shown_read());
}

void put_entries(Partition partition, const ChatId& id, std::uint64_t first, const std::vector<RecordPtr>& records,
                 CheckpointRows& rows) {
  store::LogEntry entry;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& message = records[i]->body.message();
    entry.set_envelope(message.envelope());
    entry.set_time_ms(records[i]->body.time_ms());
    entry.set_hidden_from(message.hidden_from());
    entry.set_expires_ms(message.expires_ms());
    rows.put(Column::chat_log, log_key(partition, id, ChatSeq(first + i)), entry.SerializeAsString());
  }
}

}  // namespace

MoreRows Chat::read_more(const Store& store, const PartitionMap& map, const ChatId& id,
                         const std::optional<std::string>& row) {
  MoreRows rows;
  store::ChatRow stored;
  if (!row || !stored.ParseFromString(*row) || !stored.has_group()) return rows;
  const std::string prefix = chat_key(map.partition(id), id);
  store.scan(Column::member, prefix, prefix_end(prefix), false, [&](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
    return true;
  });
  return rows;
}

void Chat::load(const std::optional<std::string>& row, MoreRows more) {
  store::ChatRow stored;
  if (row && stored.ParseFromString(*row)) {
    applied_ = stored.applied_lsn();
    end_ = stored_end_ = stored.end();
    end_time_ms_ = stored.end_time_ms();
    ahead_ms_ = stored.ahead_ms();
    ttl_s_ = stored.ttl_s();
    consent_of_ = UserId(stored.consent_of());
    epoch_ = stored.epoch();
    request_commits_ = stored.request_commits();
    request_seq_ = stored.request_seq();
    if (consent_of_ && request_seq_ == 0 && request_commits_ == 0) request_seq_ = 1;
    const auto set = [](Member& member, std::uint64_t user, const store::Positions& positions, bool blocks) {
      member.user = UserId(user);
      raise(member, positions);
      member.hidden.assign(positions.hidden().begin(), positions.hidden().end());
      member.blocks = blocks;
    };
    set(members_[0], stored.low_member(), stored.low(), stored.low_blocks());
    set(members_[1], stored.high_member(), stored.high(), stored.high_blocks());
    if (stored.has_group()) {
      group_ = std::make_unique<Group>();
      group_->load(stored.group(), more);
    }
  }
  decided_end_ = end_;
  decided_time_ms_ = end_time_ms_;
  dedup_from_ms_ = end_time_ms_ + 1;
}

bool Chat::has(UserId user) const {
  if (group_) return group_->present(user) != nullptr;
  return user && (members_[0].user == user || members_[1].user == user);
}

const std::vector<std::uint64_t>* Chat::hidden_of(UserId user) const {
  if (group_) {
    const Group::Member* member = std::as_const(*group_).find(user);
    return member != nullptr ? &member->hidden : nullptr;
  }
  for (const Member& member : members_) {
    if (member.user == user) return &member.hidden;
  }
  return nullptr;
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
    case store::Record::kGroupDoor:
      if (group_) group_->apply_door(body.group_door());
      break;
    case store::Record::kGroupWatermark:
      if (group_) group_->apply_positions(body.group_watermark());
      break;
    case store::Record::kMessageHidden: {
      const auto& hidden = body.message_hidden();
      const UserId user(hidden.user());
      if (group_) {
        group_->hide(user, hidden.chat_seq());
      } else if (exists()) {
        member(user).hidden.push_back(hidden.chat_seq());
      }
      break;
    }
    case store::Record::kConsentGiven:
      consent_of_ = UserId();
      break;
    default:
      break;
  }
}

void Chat::append(const RecordPtr& record) {
  const auto& message = record->body.message();
  if (message.group_sender() != 0) {
    if (!group_) group_ = std::make_unique<Group>();
  } else if (!exists()) {
    set_members(UserId(message.low_member()), UserId(message.high_member()));
  }
  if (message.removes_seq() != 0) remove_entry(*record);
  end_ = message.chat_seq();
  end_time_ms_ = record->body.time_ms();
  const auto view = parse_envelope(message.envelope());
  if (view) ahead_ms_ = std::max(ahead_ms_, -view->time_delta_ms);
  decided_end_ = std::max(decided_end_, end_);
  decided_time_ms_ = std::max(decided_time_ms_, end_time_ms_);
  tail_.push_back(record);
  if (message.has_ends_epoch()) group_info_ = record;
  // Who writes has read; others are not told. A commit is nobody's writing: it is read with what is before it.
  if (!group_) {
    Member& sender = members_[message.from_high() ? 1 : 0];
    if (!message.has_ends_epoch() || sender.read + 1 == end_) sender.read = std::max(sender.read, end_);
  }
  if (group_) {
    group_->apply_event(message);
  } else {
    apply_event(message, view ? view->event : std::string_view());
  }
}

// Whoever answers, consents. Commits are made by clients unasked: they neither need consent, but for a bound on their
// number, nor are they an answer.
void Chat::apply_consent(const store::MessageAppended& message) {
  const UserId sender(message.from_high() ? message.high_member() : message.low_member());
  if (message.asks_consent()) {
    consent_of_ = other(sender).user;
    request_seq_ = 0;
    request_commits_ = 0;
  }
  if (!consent_of_) return;
  if (message.has_ends_epoch()) {
    if (consent_of_ != sender) ++request_commits_;
  } else if (consent_of_ == sender) {
    consent_of_ = UserId();
  } else if (request_seq_ == 0) {
    request_seq_ = message.chat_seq();
  }
}

void Chat::apply_event(const store::MessageAppended& message, std::string_view encoded) {
  if (message.has_ends_epoch()) epoch_ = std::max(epoch_, message.ends_epoch() + 1);
  apply_consent(message);
  if (encoded.empty()) return;
  v1::ChatEvent event;
  if (event.ParseFromArray(encoded.data(), static_cast<int>(encoded.size())) && event.has_ttl_s()) {
    ttl_s_ = event.ttl_s();
  }
}

// The entry loses its content, wherever it is.
void Chat::remove_entry(const Record& record) {
  const auto& message = record.body.message();
  const std::uint64_t seq = message.removes_seq();
  if (const RecordPtr* known = in_tail(seq)) {
    tail_[seq - (end_ - tail_.size() + 1)] = without_content(**known, message);
  }
  if (seq > std::max(stored_end_, collected_end_)) return;
  store::LogEntry entry;
  entry.set_envelope(message.removed_envelope());
  if (const auto view = parse_envelope(message.removed_envelope())) {
    entry.set_time_ms(view->id.time_ms() + view->time_delta_ms);
  }
  rewritten_.emplace_back(seq, entry.SerializeAsString());
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

const std::string* Chat::rewritten(std::uint64_t seq) const {
  const auto it = std::find_if(rewritten_.begin(), rewritten_.end(), [&](const auto& one) { return one.first == seq; });
  return it != rewritten_.end() ? &it->second : nullptr;
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
  row.set_ttl_s(ttl_s_);
  row.set_consent_of(consent_of_.value);
  row.set_epoch(epoch_);
  if (consent_of_) {
    row.set_request_seq(request_seq_);
    row.set_request_commits(request_commits_);
  }
  std::size_t others = 0;
  if (group_) {
    group_->store_row(*row.mutable_group());
    others = group_->collect_members(partition, id_, out);
  }
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
  // After the entry itself, when both are in this checkpoint: the later row of a key counts.
  if (!rewritten_.empty()) {
    out.later.push_back([partition, id = id_, rewritten = rewritten_](CheckpointRows& rows) {
      for (const auto& [seq, entry] : rewritten) {
        rows.put(Column::chat_log, log_key(partition, id, ChatSeq(seq)), entry);
      }
    });
  }
  collect_group_info(partition, out);
  rewritten_collected_ = rewritten_.size();
  collected_end_ = end_;
  return 1 + entries + others;
}

void Chat::collect_group_info(Partition partition, Collector& out) {
  group_info_collected_ = group_info_;
  if (!group_info_) return;
  out.later.push_back([key = chat_key(partition, id_), record = group_info_](CheckpointRows& rows) {
    const auto& message = record->body.message();
    if (message.group_info().empty() && message.ratchet_tree().empty()) return rows.erase(Column::group_info, key);
    store::GroupInfoRow row;
    row.set_epoch(message.ends_epoch() + 1);
    row.set_group_info(message.group_info());
    row.set_ratchet_tree(message.ratchet_tree());
    rows.put(Column::group_info, key, row.SerializeAsString());
  });
}

void Chat::checkpoint_failed() {
  group_info_collected_ = nullptr;
  rewritten_collected_ = 0;
  if (group_) group_->checkpoint_failed();
}

bool Chat::checkpointed(std::size_t& budget) {
  stored_end_ = collected_end_;
  // The store has it, and it is large.
  if (group_info_ == group_info_collected_) group_info_ = nullptr;
  group_info_collected_ = nullptr;
  rewritten_.erase(rewritten_.begin(), rewritten_.begin() + static_cast<std::ptrdiff_t>(rewritten_collected_));
  rewritten_collected_ = 0;
  while (!tail_.empty() && end_ - tail_.size() < stored_end_) {
    if (budget == 0) return false;
    --budget;
    tail_.pop_front();
  }
  return true;
}

}  // namespace godwit
