#include "chat/chat_service.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "chat/chat_id.h"
#include "protocol/codec.h"

namespace godwit {

ChatService::ChatService(ChatWiring wiring, const ChatOptions& options, Metrics& metrics)
    : wiring_(std::move(wiring)),
      options_(options),
      chats_(wiring_.worker, wiring_.map, wiring_.store, wiring_.readers, options.cached_chats, {}),
      dedup_(options.dedup_entries),
      accepted_(metrics.counter("godwit_messages_accepted_total", "Messages given a position in a chat")),
      repeated_(metrics.counter("godwit_messages_repeated_total", "Messages recognised by their id as sent before")),
      log_scans_(metrics.counter("godwit_dedup_log_scans_total", "Times a chat's log was read to look for a message id")),
      watermarks_(metrics.counter("godwit_watermarks_recorded_total", "Coalesced updates of delivered and read positions")) {}

void ChatService::answer(const SendRequest& request, Result<SentInfo> result) {
  wiring_.workers[request.reply_worker]->post(
      [reply = request.reply, result = std::move(result)] { reply(result); });
}

void ChatService::send(SendRequest request) {
  const ChatId id = direct_chat_id(request.from, request.to);
  chats_.with(id, [this, request = std::move(request)](Chat& chat) mutable {
    if (chat.held) {
      held_[chat.id()].push_back(std::move(request));
    } else {
      decide(chat, std::move(request), false);
    }
  });
}

void ChatService::hold(Chat& chat, SendRequest request) {
  chat.held = true;
  held_[chat.id()].push_front(std::move(request));
}

void ChatService::resume(Chat& chat, bool log_was_read) {
  chat.held = false;
  auto& queue = held_[chat.id()];
  while (!queue.empty() && !chat.held) {
    SendRequest next = std::move(queue.front());
    queue.pop_front();
    decide(chat, std::move(next), std::exchange(log_was_read, false));
  }
  if (queue.empty()) held_.erase(chat.id());
}

void ChatService::decide(Chat& chat, SendRequest request, bool log_was_read) {
  const std::uint64_t hash = payload_hash(request.payload);
  const DedupKey key = DedupKey::of(chat.id(), request.from, request.id);
  if (answer_repeat(key, request, hash)) return;

  const std::int64_t now = wiring_.clock.wall_ms();
  const std::int64_t id_time = request.id.time_ms();
  if (id_time < now - options_.dedup_window_ms) return answer(request, Errc::message_id_expired);
  if (chat.recipients_epoch != accounts_epoch_) {
    const UserId to = request.to;
    hold(chat, std::move(request));
    return ask_for_recipient(chat, to);
  }
  // An earlier acceptance cannot lie further back than the id's own time, less what ids were ever ahead here:
  // a new message, whose id was made just now, is known to be new without a look into the log.
  const std::int64_t since = id_time - chat.ahead_ms();
  const std::int64_t known_from = std::max(chat.dedup_from_ms, dedup_.complete_after_ms() + 1);
  if (!log_was_read && chat.end() > 0 && known_from > since && chat.end_time_ms() >= since) {
    hold(chat, std::move(request));
    return read_log(chat, since);
  }
  // Only now: what was accepted before the server's clock went back is known all the same.
  if (id_time > now + options_.max_clock_skew_ms) return answer(request, Errc::message_id_expired);
  if (!wiring_.writer.writable()) return answer(request, Errc::storage_unavailable);
  accept(chat, std::move(request), key, hash, now);
}

void ChatService::ask_for_recipient(Chat& chat, UserId recipient) {
  wiring_.user_exists(recipient, [this, id = chat.id(), epoch = accounts_epoch_](bool exists) {
    // Loaded still: a chat that is held is never idle.
    chats_.with(id, [this, epoch, exists](Chat& again) {
      if (exists) {
        again.recipients_epoch = epoch;
      } else {
        auto& queue = held_[again.id()];
        answer(queue.front(), Errc::user_not_found);
        queue.pop_front();
      }
      resume(again, false);
    });
  });
}

bool ChatService::answer_repeat(const DedupKey& key, SendRequest& request, std::uint64_t hash) {
  const DedupEntry* known = dedup_.find(key);
  if (known == nullptr) return false;
  repeated_.Increment();
  if (known->payload_hash != hash) {
    answer(request, Errc::message_id_reused);
  } else if (known->committed) {
    answer(request, SentInfo{known->chat_seq, known->accepted_ms - request.id.time_ms()});
  } else {
    repeats_[key.low].push_back(std::move(request));
  }
  return true;
}

void ChatService::accept(Chat& chat, SendRequest request, const DedupKey& key, std::uint64_t hash,
                         std::int64_t now_ms) {
  if (!chat.exists()) chat.set_members(request.from, request.to);
  const Chat::Place place = chat.decide(now_ms, request.id);
  const std::int64_t delta = place.time_ms - request.id.time_ms();
  const Chat::Member& recipient = chat.other(request.from);

  auto record = std::make_shared<Record>();
  record->body.set_time_ms(place.time_ms);
  auto& message = *record->body.mutable_message();
  message.set_chat(chat.id().str());
  message.set_chat_seq(place.seq.value);
  message.set_low_member(chat.low().user.value);
  message.set_high_member(chat.high().user.value);
  message.set_from_high(chat.high().user == request.from);
  if (recipient.blocks) {
    message.set_hidden_from(recipient.user.value);
  } else {
    message.add_recipients(recipient.user.value);
  }
  if (request.copy_to_sender) message.add_recipients(request.from.value);
  message.set_envelope(encode_envelope(request.id, request.from, request.device, place.seq, delta, request.payload));

  record->done_worker = request.reply_worker;
  record->done = [reply = std::move(request.reply), info = SentInfo{place.seq, delta}](const Record&, Errc outcome) {
    reply(outcome == Errc::ok ? Result<SentInfo>(info) : Result<SentInfo>(outcome));
  };
  dedup_.insert(key, {place.seq, place.time_ms, hash, false});
  accepted_.Increment();
  wiring_.writer.add(std::move(record));
}

void ChatService::read_log(Chat& chat, std::int64_t since_ms) {
  log_scans_.Increment();
  struct Found {
    DedupKey key;
    DedupEntry entry;
  };
  // Newest first. The table may have forgotten what the tail still has.
  std::vector<Found> found;
  const ChatId id = chat.id();
  const std::uint64_t last = chat.stored_end();
  // A little further back than asked for, so that the next few old ids need no scan of their own.
  const std::int64_t from_ms = since_ms - options_.max_clock_skew_ms;
  for (std::uint64_t seq = chat.end(); seq > last; --seq) {
    const RecordPtr* record = chat.in_tail(seq);
    if (record == nullptr || (*record)->body.time_ms() < from_ms) break;
    if (const auto view = parse_envelope((*record)->body.message().envelope())) {
      found.push_back({DedupKey::of(id, view->from, view->id),
                       {view->chat_seq, (*record)->body.time_ms(), payload_hash(view->payload), true}});
    }
  }
  wiring_.readers.post([this, id, last, from_ms, found = std::move(found)]() mutable {
    const Partition partition = wiring_.map.partition(id);
    store::LogEntry entry;
    wiring_.store.scan(Column::chat_log, log_key(partition, id, ChatSeq(0)), log_key(partition, id, ChatSeq(last + 1)),
                       true, [&](std::string_view, std::string_view value) {
                         if (!entry.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
                         if (entry.time_ms() < from_ms || found.size() >= options_.dedup_scan_max) return false;
                         if (const auto view = parse_envelope(entry.envelope())) {
                           found.push_back({DedupKey::of(id, view->from, view->id),
                                            {view->chat_seq, entry.time_ms(), payload_hash(view->payload), true}});
                         }
                         return true;
                       });
    wiring_.worker.post([this, id, from_ms, found = std::move(found)] {
      // Loaded still: a chat that is held is never idle.
      chats_.with(id, [&](Chat& chat) {
        chat.dedup_from_ms = std::min(chat.dedup_from_ms, from_ms);
        // Oldest first, so that the newest stay longest; last what is waited for, so that it is there.
        for (auto it = found.rbegin(); it != found.rend(); ++it) dedup_.insert(it->key, it->entry);
        const SendRequest& waiting = held_[id].front();
        const DedupKey key = DedupKey::of(id, waiting.from, waiting.id);
        const auto match = std::find_if(found.begin(), found.end(), [&](const Found& f) { return f.key == key; });
        if (match != found.end()) dedup_.insert(key, match->entry);
        resume(chat, true);
      });
    });
  });
}

void ChatService::applied(const RecordPtr& record) {
  const store::Record& body = record->body;
  switch (body.body_case()) {
    case store::Record::kMessage: {
      const ChatId id = ChatId::from(body.message().chat());
      chats_.apply(id, record);
      if (const auto view = parse_envelope(body.message().envelope())) {
        const DedupKey key = DedupKey::of(id, view->from, view->id);
        if (dedup_.find(key) != nullptr) {
          dedup_.commit(key);
        } else {
          dedup_.insert(key, {view->chat_seq, body.time_ms(), payload_hash(view->payload), true});
        }
        const auto waiting = repeats_.find(key.low);
        if (waiting == repeats_.end()) break;
        for (const SendRequest& repeat : waiting->second) answer(repeat, SentInfo{view->chat_seq, view->time_delta_ms});
        repeats_.erase(waiting);
      }
      break;
    }
    case store::Record::kWatermark:
      chats_.apply(ChatId::from(body.watermark().chat()), record);
      break;
    case store::Record::kBlockChanged:
      chats_.apply(ChatId::from(body.block_changed().chat()), record);
      break;
    default:
      break;
  }
}

void ChatService::undo(const Record& record) {
  if (record.body.body_case() != store::Record::kMessage) return;
  const auto& message = record.body.message();
  const ChatId id = ChatId::from(message.chat());
  if (Chat* chat = chats_.find(id)) chat->undo(ChatSeq(message.chat_seq()));
  if (const auto view = parse_envelope(message.envelope())) {
    const DedupKey key = DedupKey::of(id, view->from, view->id);
    dedup_.erase(key);
    const auto waiting = repeats_.find(key.low);
    if (waiting == repeats_.end()) return;
    for (const SendRequest& repeat : waiting->second) answer(repeat, Errc::storage_unavailable);
    repeats_.erase(waiting);
  }
}

Status ChatService::advance(Chat& chat, UserId member, std::uint64_t delivered, std::uint64_t read, bool tell_own) {
  if (!chat.exists()) return Errc::chat_not_found;
  // A recipient's worker may have delivered, and heard of it, before this one has applied the message.
  if (std::max(delivered, read) > chat.decided_end()) return Error(Errc::invalid_argument, "beyond the end of the chat");
  Chat::Member& positions = chat.member(member);
  const std::uint64_t new_read = std::max(positions.read, read);
  const std::uint64_t new_delivered = std::max({positions.delivered, delivered, new_read});
  if (new_read == positions.read && new_delivered == positions.delivered) return Unit{};
  positions.read = new_read;
  positions.delivered = new_delivered;
  positions.tell |= tell_own;
  chat.other(member).tell = true;
  if (chat.watermark_waits) return Unit{};
  chat.watermark_waits = true;
  const std::int64_t now = wiring_.clock.steady_ms();
  // Spread: chats that were told at the same moment, after a stall say, would else be due together for ever.
  const auto spread = static_cast<std::uint32_t>(options_.watermark_interval_ms / 4);
  const std::int64_t at = chat.watermark_at_ms + options_.watermark_interval_ms + random_below(spread);
  if (at <= now) {
    due_now_.push_back(chat.id());
  } else {
    due_.push({at, chat.id()});
  }
  return Unit{};
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
  auto& watermark = *record->body.mutable_watermark();
  watermark.set_chat(chat.id().str());
  // Between two of whom one blocks the other, neither is told anything.
  const bool silent = chat.low().blocks || chat.high().blocks;
  const auto fill = [&](const UserId user, store::Positions* out) {
    Chat::Member& member = chat.member(user);
    out->set_delivered(member.delivered);
    out->set_read(member.read);
    if (!std::exchange(member.tell, false) || silent) return;
    watermark.add_recipients(user.value);
  };
  watermark.set_low_member(chat.low().user.value);
  watermark.set_high_member(chat.high().user.value);
  fill(chat.low().user, watermark.mutable_low());
  fill(chat.high().user, watermark.mutable_high());
  watermarks_.Increment();
  wiring_.writer.add(std::move(record));
}

}  // namespace godwit
