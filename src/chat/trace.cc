// Where is my message? From what is known anyway: positions, and when they moved last.
#include <utility>

#include "chat/chat_service.h"
#include "protocol/codec.h"
#include "storage/log_reader.h"

namespace godwit {
namespace {

Trace::Recipient trace_of(UserId user, std::uint64_t delivered, std::uint64_t shown_read, const Progress& deliveries,
                          const Progress& reads, std::uint64_t seq) {
  return {user, delivered >= seq ? deliveries.reached(seq) : 0, shown_read >= seq ? reads.reached(seq) : 0, false};
}

}  // namespace

Trace ChatService::trace_found(Chat& chat, UserId user, std::uint64_t seq) const {
  Trace trace;
  trace.chat_seq = seq;
  if (Group* group = chat.group()) {
    for (const Group::Member& member : group->members()) {
      if (member.user == user || !member.was_in_at(seq)) continue;
      if (trace.recipients.size() == Trace::kMaxRecipients) break;
      trace.recipients.push_back(
          trace_of(member.user, member.delivered, member.shown_read, member.deliveries, member.reads, seq));
    }
    return trace;
  }
  const Chat::Member& other = chat.other(user);
  if (other.user == user) return trace;
  trace.recipients.push_back(
      trace_of(other.user, other.delivered, other.shown_read, other.deliveries, other.reads, seq));
  if (other.blocks) trace.recipients.back() = {other.user, 0, 0, true};
  return trace;
}

void ChatService::trace(const ChatId& id, UserId user, const MessageId& message,
                        std::function<void(const Result<Trace>&)> reply) {
  chats_.with(id, [this, user, message, reply = std::move(reply)](Chat& chat) {
    // Who has left may still ask for what they sent.
    const bool inside = chat.group() != nullptr ? chat.group()->find(user) != nullptr : chat.has(user);
    if (!inside) return reply(Errc::chat_not_found);
    const DedupEntry* known = dedup_.find(DedupKey::of(chat.id(), user, message));
    if (known != nullptr && known->committed) {
      Trace trace = trace_found(chat, user, known->chat_seq.value);
      trace.accepted_ms = known->accepted_ms;
      trace.durable_ms = known->accepted_ms + known->durable_after_ms;
      return reply(std::move(trace));
    }
    if (const std::uint32_t wait = take_scan(chat, user); wait != 0) return reply(Error(Errc::rate_limited, {}, wait));
    wiring_.readers.post([this, id = chat.id(), last = chat.stored_end(), user, message, reply] {
      std::uint64_t seq = 0;
      std::int64_t time_ms = 0;
      std::size_t looked_at = 0;
      godwit::read_log(wiring_.store, wiring_.map, id, 1, last, true, 0, [&](std::uint64_t at, store::LogEntry& entry) {
        const auto view = parse_envelope(entry.envelope());
        if (view && view->from == user && view->id == message) {
          seq = at;
          time_ms = entry.time_ms();
        }
        return seq == 0 && ++looked_at < options_.dedup_scan_max;
      });
      wiring_.worker.post([this, id, user, seq, time_ms, reply] {
        if (seq == 0) return reply(Errc::message_not_found);
        chats_.with(id, [this, user, seq, time_ms, reply](Chat& again) {
          Trace trace = trace_found(again, user, seq);
          trace.accepted_ms = time_ms;
          reply(std::move(trace));
        });
      });
    });
  });
}

}  // namespace godwit
