#include "chat/chat_service.h"

#include <algorithm>
#include <utility>

#include "protocol/codec.h"

namespace godwit {
namespace {

Error too_much_waits() {
  return Error(Errc::overloaded, "too much waits for this chat", 1'000);
}

}  // namespace

ChatService::ChatService(ChatWiring wiring, const ChatOptions& options, Metrics& metrics)
    : wiring_(std::move(wiring)),
      options_(options),
      chats_(wiring_.worker, wiring_.map, wiring_.store, wiring_.readers, options.cached_chats, {}),
      dedup_(options.dedup_entries),
      held_(options.max_held_bytes, options.max_held_chat_bytes, metrics),
      accepted_(metrics.counter("godwit_messages_accepted_total", "Messages given a position in a chat")),
      repeated_(metrics.counter("godwit_messages_repeated_total", "Messages recognised by their id as sent before")),
      log_scans_(metrics.counter("godwit_dedup_log_scans_total", "Times a chat's log was read to look for a message id")),
      watermarks_(metrics.counter("godwit_watermarks_recorded_total", "Coalesced updates of delivered and read positions")),
      group_messages_(metrics.counter("godwit_group_messages_total", "Messages and changes accepted into groups")),
      group_entries_(metrics.counter("godwit_group_entries_total", "Inbox entries that they were fanned out to")),
      group_changes_(metrics.counter("godwit_group_changes_total", "Changes of groups")),
      group_limited_(metrics.counter("godwit_group_limited_total", "Messages refused by a group's rate limits")),
      commits_(metrics.counter("godwit_commits_total", "Epochs of chats ended by a commit")),
      stale_commits_(metrics.counter("godwit_commits_stale_total", "Commits refused, for another epoch than the present")),
      receipts_(metrics.counter("godwit_group_receipts_total", "Updates of receipt counts told to senders")) {}

void ChatService::answer(const SendRequest& request, Result<SentInfo> result) {
  wiring_.workers[request.reply_worker]->post(
      [reply = request.reply, result = std::move(result)] { reply(result); });
}

void ChatService::send(SendRequest request) {
  chats_.with(request.chat, [this, request = std::move(request)](Chat& chat) mutable {
    if (chat.held) {
      if (!held_.add(request, false)) answer(request, too_much_waits());
    } else {
      decide(chat, std::move(request), false);
    }
  });
}

bool ChatService::hold(Chat& chat, SendRequest request) {
  chat.held = held_.add(request, true);
  if (!chat.held) answer(request, too_much_waits());
  return chat.held;
}

void ChatService::resume(Chat& chat, bool log_was_read) {
  chat.held = false;
  while (held_.any(chat.id()) && !chat.held) {
    decide(chat, held_.take_first(chat.id()), std::exchange(log_was_read, false));
  }
}

void ChatService::decide(Chat& chat, SendRequest request, bool log_was_read) {
  const std::uint64_t hash = content_hash(request.payload);
  const DedupKey key = DedupKey::of(chat.id(), request.from, request.id);
  if (answer_repeat(key, request, hash)) return;

  const std::int64_t now = wiring_.clock.wall_ms();
  const std::int64_t id_time = request.id.time_ms();
  if (id_time < now - options_.dedup_window_ms && !request.of_server) return answer(request, Errc::message_id_expired);
  // The first message always asks: for that one it matters who writes to whom, and what the recipient wants by now.
  const bool known = chat.decided_end() == 0 ? request.recipient_known : chat.recipients_epoch == accounts_epoch_;
  if (request.to && (!known || !request.devices_known)) {
    const UserId to = request.to;
    const UserId from = request.from;
    if (hold(chat, std::move(request))) ask_for_recipient(chat, to, from);
    return;
  }
  // An earlier acceptance cannot lie further back than the id's own time, less what ids were ever ahead here:
  // a new message, whose id was made just now, is known to be new without a look into the log.
  const std::int64_t since = id_time - chat.ahead_ms();
  const std::int64_t known_from = std::max(chat.dedup_from_ms(), dedup_.complete_after_ms() + 1);
  if (chat.end() > 0 && known_from > since && chat.end_time_ms() >= since &&
      scan_for(chat, request, key, hash, since, log_was_read)) {
    return;
  }
  // Only now: what was accepted before the server's clock went back is known all the same.
  if (id_time > now + options_.max_clock_skew_ms && !request.of_server) return answer(request, Errc::message_id_expired);
  if (!wiring_.writer.writable()) return answer(request, Errc::storage_unavailable);
  if (!request.to) return decide_in_group(chat, std::move(request), key, hash, now);
  if (admit_direct(chat, request)) accept(chat, std::move(request), key, hash, now);
}

bool ChatService::admit_direct(Chat& chat, SendRequest& request) {
  const bool waits = chat.consent_of() && chat.consent_of() != request.from;
  const bool full = request.commit != nullptr ? chat.request_commits() >= options_.request_commits_max
                                              : chat.request_seq() != 0;
  if (waits && full) {
    answer(request, Errc::consent_needed);
    return false;
  }
  if (const Status fine = check_epoch(chat, request); !fine) {
    stale_commits_.Increment();
    answer(request, fine.error());
    return false;
  }
  return admit_joins(chat, request,
                     [&](UserId user) { return user == request.from || user == request.to; });
}

void ChatService::ask_for_recipient(Chat& chat, UserId recipient, UserId sender) {
  wiring_.describe_user(recipient, sender, [this, id = chat.id(), epoch = accounts_epoch_](const UserSummary& user) {
    // In a turn of its own: what is resumed may be what asks.
    wiring_.worker.post([this, id, epoch, user] {
      // Loaded still: a chat that is held is never idle.
      chats_.with(id, [&](Chat& again) { found_recipient(again, user, epoch); });
    });
  });
}

void ChatService::found_recipient(Chat& chat, const UserSummary& recipient, std::uint64_t epoch) {
  SendRequest& waiting = held_.first(chat.id());
  Status possible = Unit{};
  if (!recipient.exists) {
    possible = Errc::user_not_found;
  } else if (!waiting.devices_known) {
    possible = check_devices(waiting, recipient);
  }
  if (possible) {
    chat.recipients_epoch = epoch;
    chat.asks_first = recipient.asks_first;
    waiting.devices_known = true;
    waiting.recipient_known = true;
  } else {
    answer(held_.take_first(chat.id()), possible.error());
  }
  resume(chat, false);
}

// Every device that is to get a payload has one, and no other.
Status ChatService::check_devices(const SendRequest& request, const UserSummary& recipient) const {
  auto details = std::make_shared<ErrorDetails>();
  std::vector<DeviceName> wanted;
  if (request.to != request.from) {
    for (const DeviceId device : recipient.devices) wanted.emplace_back(request.to, device);
    for (const DeviceId device : request.own_devices) wanted.emplace_back(request.from, device);
  }
  const auto has = [](const std::vector<DeviceName>& list, const DeviceName& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  };
  for (const DeviceName& one : wanted) {
    if (!has(request.devices, one)) details->missing.push_back(one);
  }
  // To oneself, any of one's own.
  if (request.to == request.from) {
    for (const DeviceId device : recipient.devices) wanted.emplace_back(request.to, device);
  }
  for (const DeviceName& one : request.devices) {
    if (!has(wanted, one)) details->extra.push_back(one);
  }
  if (details->missing.empty() && details->extra.empty()) return Unit{};
  Error error(Errc::device_list_stale);
  error.more = std::move(details);
  return error;
}

bool ChatService::answer_repeat(const DedupKey& key, SendRequest& request, std::uint64_t hash) {
  const DedupEntry* known = dedup_.find(key);
  if (known == nullptr) return false;
  repeated_.Increment();
  if (known->payload_hash != hash && known->payload_hash != 0 && hash != 0) {
    answer(request, Errc::message_id_reused);
  } else if (known->committed) {
    SentInfo info{known->chat_seq, known->accepted_ms - request.id.time_ms(), 0, true};
    if (Chat* chat = chats_.find(request.chat); chat != nullptr && chat->group() != nullptr) {
      info.version = chat->group()->version();
    }
    answer(request, info);
  } else {
    SendRequest& repeat = repeats_[key.low].emplace_back();
    repeat.id = request.id;
    repeat.reply_worker = request.reply_worker;
    repeat.reply = std::move(request.reply);
  }
  return true;
}

void ChatService::accept(Chat& chat, SendRequest request, const DedupKey& key, std::uint64_t hash,
                         std::int64_t now_ms) {
  const bool first = chat.decided_end() == 0;
  if (!chat.exists()) chat.set_members(request.from, request.to);
  const Chat::Place place = chat.decide(now_ms, request.id);
  const std::int64_t delta = place.time_ms - request.id.time_ms();
  const bool content = request.event.empty() && !request.ends_epoch;
  const std::uint32_t ttl_s = content ? (request.ttl_s != 0 ? request.ttl_s : chat.ttl_s()) : 0;

  auto record = std::make_shared<Record>();
  record->body.set_time_ms(place.time_ms);
  auto& message = *record->body.mutable_message();
  message.set_chat(chat.id().str());
  message.set_chat_seq(place.seq.value);
  address_direct(chat, request, first, *record);
  EnvelopeExtras extras;
  extras.ttl_s = ttl_s;
  extras.relates_to = request.relates_to;
  extras.event = request.event;
  extras.per_device = request.device_payloads;
  add_commit(request, message, extras);
  message.set_envelope(
      encode_envelope(request.id, request.from, request.device, place.seq, delta, request.payload, extras));
  if (ttl_s != 0) message.set_expires_ms(place.time_ms + static_cast<std::int64_t>(ttl_s) * 1000);
  if (!request.device_payloads.empty()) message.set_per_device(true);
  if (request.removes_seq != 0) {
    message.set_removes_seq(request.removes_seq);
    message.set_removed_envelope(std::move(request.removed_envelope));
  }
  if (request.ends_epoch) commits_.Increment();
  // A stranger has but one message: it is counted before the next is decided.
  const bool stranger = message.asks_consent() || (chat.consent_of() && chat.consent_of() != request.from);
  if (request.ends_epoch || stranger) hold_for(chat, place.seq);
  dedup_.insert(key, {place.seq, place.time_ms, hash, false});
  write(std::move(record), request, {place.seq, delta, 0});
}

void ChatService::address_direct(Chat& chat, const SendRequest& request, bool first, Record& record) {
  auto& message = *record.body.mutable_message();
  const Chat::Member& recipient = chat.other(request.from);
  message.set_low_member(chat.low().user.value);
  message.set_high_member(chat.high().user.value);
  message.set_from_high(chat.high().user == request.from);
  message.set_first_in_chat(first);
  if (first && chat.asks_first && !recipient.blocks) message.set_asks_consent(true);
  if (recipient.blocks) {
    message.set_hidden_from(recipient.user.value);
  } else {
    message.add_recipients(recipient.user.value);
  }
  const bool to_oneself = request.to == request.from;
  message.set_copy_to_sender(request.copy_to_sender || to_oneself);
  // The first tells the sender's own account, too, that there is the chat.
  if ((request.copy_to_sender || first) && !to_oneself) message.add_recipients(request.from.value);
}

void ChatService::write(std::shared_ptr<Record> record, SendRequest& request, const SentInfo& info) {
  record->done_worker = request.reply_worker;
  record->done = [reply = std::move(request.reply), info](const Record&, Errc outcome) {
    reply(outcome == Errc::ok ? Result<SentInfo>(info) : Result<SentInfo>(outcome));
  };
  accepted_.Increment();
  wiring_.writer.add(std::move(record));
}

void ChatService::write(std::shared_ptr<Record> record, std::function<void(const Status&)> reply) {
  record->body.set_time_ms(wiring_.clock.wall_ms());
  record->done_worker = wiring_.worker.index();
  record->done = [reply = std::move(reply)](const Record&, Errc outcome) {
    reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
  };
  wiring_.writer.add(std::move(record));
}

void ChatService::applied(const RecordPtr& record) {
  const store::Record& body = record->body;
  switch (body.body_case()) {
    case store::Record::kMessage: {
      const ChatId id = ChatId::from(body.message().chat());
      Chat* chat = chats_.apply(id, record);
      if (const auto view = parse_envelope(body.message().envelope())) {
        const DedupKey key = DedupKey::of(id, view->from, view->id);
        if (dedup_.find(key) != nullptr) {
          dedup_.commit(key, static_cast<std::uint32_t>(
                                 std::clamp<std::int64_t>(wiring_.clock.wall_ms() - body.time_ms(), 0, 1'000'000)));
        } else {
          dedup_.insert(key, {view->chat_seq, body.time_ms(), content_hash(view->payload), true});
        }
        if (const auto waiting = repeats_.find(key.low); waiting != repeats_.end()) {
          const std::uint64_t version = chat != nullptr && chat->group() != nullptr ? chat->group()->version() : 0;
          for (const SendRequest& repeat : waiting->second) {
            answer(repeat, SentInfo{view->chat_seq, view->time_delta_ms, version, true});
          }
          repeats_.erase(waiting);
        }
      }
      if (chat != nullptr && chat->changing_seq == body.message().chat_seq()) change_settled(*chat);
      break;
    }
    case store::Record::kWatermark:
      chats_.apply(ChatId::from(body.watermark().chat()), record);
      break;
    case store::Record::kBlockChanged:
      chats_.apply(ChatId::from(body.block_changed().chat()), record);
      break;
    case store::Record::kGroupDoor:
      chats_.apply(ChatId::from(body.group_door().chat()), record);
      break;
    case store::Record::kMessageHidden:
      chats_.apply(ChatId::from(body.message_hidden().chat()), record);
      break;
    case store::Record::kConsentGiven:
      chats_.apply(ChatId::from(body.consent_given().chat()), record);
      break;
    case store::Record::kGroupWatermark:
      if (Chat* chat = chats_.apply(ChatId::from(body.group_watermark().chat()), record)) send_receipts(*chat);
      break;
    default:
      break;
  }
}

void ChatService::change_settled(Chat& chat) {
  chat.changing_seq = 0;
  resume(chat, false);
}

void ChatService::undo(const Record& record) {
  if (record.body.body_case() != store::Record::kMessage) return;
  const auto& message = record.body.message();
  const ChatId id = ChatId::from(message.chat());
  if (Chat* chat = chats_.find(id)) {
    chat->undo(ChatSeq(message.chat_seq()));
    if (chat->changing_seq == message.chat_seq()) {
      // In a turn of its own: what waits is decided when all that failed has been taken back. Still loaded then,
      // since a chat that is held is never idle.
      wiring_.worker.post([this, id] { chats_.with(id, [this](Chat& again) { change_settled(again); }); });
    }
  }
  if (const auto view = parse_envelope(message.envelope())) {
    const DedupKey key = DedupKey::of(id, view->from, view->id);
    dedup_.erase(key);
    const auto waiting = repeats_.find(key.low);
    if (waiting == repeats_.end()) return;
    for (const SendRequest& repeat : waiting->second) answer(repeat, Errc::storage_unavailable);
    repeats_.erase(waiting);
  }
}

}  // namespace godwit
