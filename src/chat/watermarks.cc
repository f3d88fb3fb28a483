// How far members have received and read: raised in memory, recorded and told at intervals.
#include <algorithm>
#include <utility>

#include "base/random.h"
#include "chat/chat_service.h"

namespace godwit {

Status ChatService::advance(Chat& chat, const Advance& to) {
  if (chat.group() == nullptr && !chat.has(to.member)) return Errc::chat_not_found;
  // A recipient's worker may have delivered, and heard of it, before this one has applied the message.
  if (std::max(to.delivered, to.read) > chat.decided_end()) {
    return Error(Errc::invalid_argument, "beyond the end of the chat");
  }
  if (Group* group = chat.group()) {
    Group::Member* member = group->find(to.member);
    // Who has left may still acknowledge what came before.
    if (member == nullptr) return Errc::chat_not_found;
    if (!group->advance(*member, to.delivered, to.read, to.shown, to.tell_own, wiring_.clock.wall_ms())) {
      return Unit{};
    }
    wait_for_watermark(chat, options_.receipt_interval_ms);
    return Unit{};
  }
  Chat::Member& positions = chat.member(to.member);
  const std::uint64_t new_read = std::max(positions.read, to.read);
  const std::uint64_t new_shown = to.shown ? std::max(positions.shown_read, to.read) : positions.shown_read;
  const std::uint64_t new_delivered = std::max({positions.delivered, to.delivered, to.read});
  if (new_read == positions.read && new_shown == positions.shown_read && new_delivered == positions.delivered) {
    return Unit{};
  }
  const std::int64_t now_ms = wiring_.clock.wall_ms();
  positions.deliveries.note(positions.delivered, new_delivered, now_ms);
  positions.reads.note(positions.shown_read, new_shown, now_ms);
  positions.read = new_read;
  positions.shown_read = new_shown;
  positions.delivered = new_delivered;
  positions.tell |= to.tell_own;
  chat.other(to.member).tell = true;
  wait_for_watermark(chat, options_.watermark_interval_ms);
  return Unit{};
}

void ChatService::wait_for_watermark(Chat& chat, std::int64_t interval_ms) {
  if (chat.watermark_waits) return;
  chat.watermark_waits = true;
  const std::int64_t now = wiring_.clock.steady_ms();
  // Spread: chats that were told at the same moment, after a stall say, would else be due together for ever.
  const std::int64_t spread = random_below(static_cast<std::uint32_t>(interval_ms / 4));
  const std::int64_t at = chat.watermark_at_ms + interval_ms + spread;
  if (at <= now) {
    due_now_.push_back(chat.id());
  } else {
    due_.push({at, chat.id()});
  }
}

void ChatService::flush_watermarks() {
  const std::int64_t now = wiring_.clock.steady_ms();
  while (!due_.empty() && due_.top().at_ms <= now) {
    due_now_.push_back(due_.top().chat);
    due_.pop();
  }
  for (const ChatId& id : due_now_) {
    if (Chat* chat = chats_.find(id)) record_watermark(*chat);
  }
  due_now_.clear();
}

void ChatService::record_watermark(Chat& chat) {
  chat.watermark_waits = false;
  chat.watermark_at_ms = wiring_.clock.steady_ms();
  // Positions are refreshed by the next acknowledgement; a full disk must not fill the queue with them.
  if (!wiring_.writer.writable()) return;
  auto record = std::make_shared<Record>();
  record->body.set_time_ms(wiring_.clock.wall_ms());
  if (Group* group = chat.group()) {
    auto& watermark = *record->body.mutable_group_watermark();
    watermark.set_chat(chat.id().str());
    if (!group->take_moved(watermark)) return;
  } else {
    fill_watermark(chat, *record->body.mutable_watermark());
  }
  watermarks_.Increment();
  wiring_.writer.add(std::move(record));
}

void ChatService::fill_watermark(Chat& chat, store::WatermarkAdvanced& watermark) {
  watermark.set_chat(chat.id().str());
  // Between two of whom one blocks the other, neither is told anything.
  const bool silent = chat.low().blocks || chat.high().blocks;
  const auto fill = [&](const UserId user, store::Positions* out) {
    Chat::Member& member = chat.member(user);
    out->set_delivered(member.delivered);
    out->set_read(member.read);
    out->set_shown_read(member.shown_read);
    if (!std::exchange(member.tell, false) || silent) return;
    watermark.add_recipients(user.value);
  };
  watermark.set_low_member(chat.low().user.value);
  watermark.set_high_member(chat.high().user.value);
  fill(chat.low().user, watermark.mutable_low());
  fill(chat.high().user, watermark.mutable_high());
}

void ChatService::send_receipts(Chat& chat) {
  for (ReceiptUpdate& update : chat.group()->take_receipts()) {
    update.chat = chat.id();
    receipts_.Increment();
    wiring_.push_receipts(std::move(update));
  }
}

}  // namespace godwit
