// The inbox on its way to the device: from the tail while that reaches, else from the store, as far as the
// credit window and the output budget allow.
#include <algorithm>
#include <array>
#include <list>
#include <utility>

#include "godwit.pb.h"
#include "protocol/codec.h"
#include "session/session.h"

namespace godwit {
namespace {

// Envelopes and bytes per Deliver frame.
constexpr std::size_t kFrameEnvelopes = 64;
constexpr std::size_t kFrameBytes = 64 * 1024;

}  // namespace

bool Session::credit_left() const {
  const SessionOptions& options = host_->options();
  return unacked_.size() < options.window_envelopes && unacked_bytes_ < options.window_bytes;
}

void Session::deliver() {
  while (state_ == State::live && !reading_ && gap_to_ == 0 && sent_ < inbox_->end()) {
    if (link_.unsent_bytes() >= host_->options().output_budget_bytes) return;  // until on_drained()
    if (!credit_left()) {                                                      // until the next Ack
      host_->probe.window_full.Increment();
      return;
    }
    const std::uint64_t next = sent_ + 1;
    if (inbox_->in_tail(next) != nullptr) {
      deliver_from_tail();
    } else if (next > inbox_->stored_end() || next <= inbox_->floor()) {
      // Acknowledged by every device before it was stored, or beyond the bound: it exists no more.
      tell_gap(next, next > inbox_->stored_end() ? inbox_->tail_first() - 1 : inbox_->floor());
    } else {
      read_from_store(next, inbox_->stored_end());
    }
  }
  if (state_ == State::live && !caught_up_told_ && !reading_ && gap_to_ == 0 && sent_ >= inbox_->end()) {
    caught_up_told_ = true;
    v1::ServerFrame& frame = begin(0);
    frame.mutable_caught_up()->set_seq(inbox_->end());
    send(frame);
  }
}

void Session::deliver_from_tail() {
  std::array<DeliverItem, kFrameEnvelopes> items;
  std::list<std::string> made;  // envelopes that are not as they are in the record
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < items.size() && bytes < kFrameBytes && credit_left()) {
    const RecordPtr* record = inbox_->in_tail(sent_ + 1);
    if (record == nullptr) break;
    const auto& message = (*record)->body.message();
    const bool group = message.group_sender() != 0;
    const UserId low(message.low_member());
    const UserId high(message.high_member());
    const UserId from = group ? UserId(message.group_sender()) : (message.from_high() ? high : low);
    const bool own = from == user_;
    std::string_view envelope = message.envelope();
    if (message.per_device()) envelope = made.emplace_back(for_device(envelope, user_, device_));
    if (message.expires_ms() != 0 && message.expires_ms() <= host_->clock.wall_ms()) {
      envelope = made.emplace_back(without_content(envelope, GoneReason::expired));
    }
    items[count] = {envelope, InboxSeq(++sent_), own && !group ? (message.from_high() ? low : high) : UserId()};
    const std::size_t size = deliver_item_size(items[count]);
    unacked_.push_back({sent_, ChatId::from(message.chat()), own ? 0 : message.chat_seq(),
                        static_cast<std::uint32_t>(size)});
    unacked_bytes_ += static_cast<std::uint32_t>(size);
    bytes += size;
    ++count;
  }
  const std::span<const DeliverItem> batch(items.data(), count);
  host_->probe.delivered.Increment(static_cast<double>(count));
  if (link_.peer().text) {
    std::string frame;
    append_deliver_frame(batch, frame);
    send_encoded(frame);
  } else {
    append_deliver_frame(batch, link_.start_message(deliver_frame_size(batch)));
  }
}

void Session::read_from_store(std::uint64_t first, std::uint64_t last) {
  reading_ = true;
  host_->probe.catch_up_pages.Increment();
  PageRequest request;
  request.user = user_;
  request.first = first;
  request.last = last;
  // What fills the screen first comes first.
  const std::size_t wanted = std::exchange(first_page_, false) ? kFrameEnvelopes : host_->options().window_envelopes;
  request.max_entries = std::min<std::size_t>(wanted, host_->options().window_envelopes - unacked_.size());
  // No more than the output may hold at once; a page has at least one entry.
  request.max_bytes = std::min<std::size_t>(host_->options().window_bytes - unacked_bytes_,
                                            host_->options().output_budget_bytes - link_.unsent_bytes());
  request.now_ms = host_->clock.wall_ms();
  request.expired_before_ms = request.now_ms - host_->options().inbox_retention_ms;
  host_->readers.post([anchor = anchor_, host = host_, request] {
    InboxPage page = read_inbox(host->store, host->router.map(), request);
    to_session(anchor, [page = std::move(page), first = request.first](Session& session) mutable {
      session.deliver_page(page, first);
    });
  });
}

void Session::deliver_page(InboxPage& page, std::uint64_t first) {
  reading_ = false;
  if (state_ != State::live) return;
  std::array<DeliverItem, kFrameEnvelopes> items;
  std::size_t at = 0;
  std::uint64_t next = first;
  std::uint64_t gap_to = 0;
  std::string frame;
  while (at < page.entries.size() && gap_to == 0) {
    std::size_t count = 0;
    std::size_t bytes = 0;
    while (at < page.entries.size() && count < items.size() && bytes < kFrameBytes) {
      PageEntry& entry = page.entries[at];
      if (entry.seq != next) {
        gap_to = entry.seq - 1;
        break;
      }
      if (inbox_->removed(entry.chat, entry.chat_seq)) {
        entry.envelope = without_content(entry.envelope, GoneReason::removed);
      }
      if (entry.per_device) entry.envelope = for_device(entry.envelope, user_, device_);
      items[count] = {entry.envelope, InboxSeq(entry.seq), UserId()};
      const std::size_t size = deliver_item_size(items[count]);
      unacked_.push_back({entry.seq, entry.chat, entry.own ? 0 : entry.chat_seq, static_cast<std::uint32_t>(size)});
      unacked_bytes_ += static_cast<std::uint32_t>(size);
      bytes += size;
      sent_ = entry.seq;
      ++count;
      ++at;
      ++next;
    }
    if (count == 0) break;
    host_->probe.delivered.Increment(static_cast<double>(count));
    const std::span<const DeliverItem> batch(items.data(), count);
    frame.clear();
    append_deliver_frame(batch, frame);
    send_encoded(frame);
  }
  if (gap_to == 0 && next <= page.through && at == page.entries.size()) gap_to = page.through;
  if (gap_to != 0) return tell_gap(next, gap_to);
  deliver();
}

void Session::tell_gap(std::uint64_t from, std::uint64_t to) {
  gap_to_ = to;
  host_->probe.gaps.Increment();
  v1::ServerFrame& frame = begin(0);
  frame.mutable_gap()->set_from(from);
  frame.mutable_gap()->set_to(to);
  send(frame);
}

void Session::acknowledge(std::uint64_t cursor) {
  acked_ = cursor;
  // Not when the device reads again what it had acknowledged before.
  if (cursor > inbox_->cursor(device_).value_or(cursor)) {
    (void)inbox_->acknowledge(device_, cursor, sent_);
    host_->shard().inboxes().mark_dirty(user_);
  }
  // Per chat, how far the device has now got. An Ack mostly covers one or a few chats.
  struct Reached {
    ChatId chat;
    std::uint64_t chat_seq;
  };
  std::vector<Reached> chats;
  while (!unacked_.empty() && unacked_.front().seq <= cursor) {
    const Unacked& entry = unacked_.front();
    unacked_bytes_ -= entry.bytes;
    if (entry.chat_seq != 0) {
      const auto known = std::find_if(chats.begin(), chats.end(), [&](const Reached& c) { return c.chat == entry.chat; });
      if (known == chats.end()) {
        chats.push_back({entry.chat, entry.chat_seq});
      } else {
        known->chat_seq = std::max(known->chat_seq, entry.chat_seq);
      }
    }
    unacked_.pop_front();
  }
  ChatService::Advance to;
  to.member = user_;
  to.tell_own = account_->devices().size() > 1;
  for (const Reached& entry : chats) {
    to.delivered = entry.chat_seq;
    host_->router.on(entry.chat, [id = entry.chat, to](Shard& shard) {
      shard.chats().with_chat(id, [&shard, to](Chat& chat) {
        // Cannot be refused: the entry came from this chat.
        (void)shard.chats().advance(chat, to);
      });
    });
  }
}

void Session::on_mark(const Mark& mark) {
  if (state_ != State::live) return;
  if (link_.unsent_bytes() >= host_->options().output_budget_bytes) {
    marks_missed_ = true;
    return;
  }
  send_mark(mark);
}

void Session::send_mark(const Mark& mark) {
  v1::ServerFrame& frame = begin(0);
  const auto add = [&](UserId member, const Positions& positions) {
    if (positions.delivered == 0 && positions.read == 0) return;
    auto& watermark = *frame.mutable_watermarks()->add_watermarks();
    watermark.set_peer(mark.peer.value);
    if (!mark.peer) watermark.set_chat(mark.chat.str());
    watermark.set_member(member.value);
    watermark.set_delivered(positions.delivered);
    watermark.set_read(positions.read);
  };
  // Who does not tell what they read is not told either.
  const bool shows_reads = !account_->hides_read_receipts();
  if (mark.peer && mark.peer != user_) add(mark.peer, {mark.other.delivered, shows_reads ? mark.other.read : 0});
  // What the only device of a user has received and read, it knows itself.
  if (account_->devices().size() > 1) add(user_, mark.own);
  if (frame.has_watermarks()) send(frame);
}

void Session::on_receipts(const ReceiptUpdate& update) {
  // Can be asked for; the next will be complete again.
  if (state_ != State::live || link_.unsent_bytes() >= host_->options().output_budget_bytes) return;
  v1::ServerFrame& frame = begin(0);
  auto& counts = *frame.mutable_receipt_counts();
  counts.set_chat(update.chat.str());
  for (const ReceiptCount& count : update.counts) {
    auto& added = *counts.add_counts();
    added.set_chat_seq(count.chat_seq);
    added.set_delivered(count.delivered);
    if (!account_->hides_read_receipts()) added.set_read(count.read);
    added.set_of(count.of);
  }
  send(frame);
}

void Session::send_marks_since(std::uint64_t cursor) {
  if (!inbox_->has_marks_since(cursor)) return;
  host_->readers.post([anchor = anchor_, host = host_, user = user_, cursor] {
    std::vector<Mark> stored = read_marks(host->store, host->router.map(), user, cursor);
    to_session(anchor, [stored = std::move(stored), cursor](Session& session) {
      if (session.state_ != State::live) return;
      for (const Mark& mark : stored) {
        if (session.inbox_->mark(mark.chat) == nullptr) session.send_mark(mark);
      }
      for (const Mark& mark : session.inbox_->marks()) {
        if (mark.changed_at >= cursor) session.send_mark(mark);
      }
    });
  });
}

}  // namespace godwit
