// Requests about messages: Send, Ack, AckGap, Read, History, Ping.
#include "chat/chat_id.h"
#include "godwit.pb.h"
#include "protocol/codec.h"
#include "session/request_checks.h"
#include "session/session.h"

namespace godwit {

namespace {

constexpr int kMaxDevicePayloads = 64;
constexpr std::size_t kMaxDevicePayloadBytes = 256 * 1024;

}  // namespace

std::optional<ChatId> Session::chat_of(std::uint64_t peer, const std::string& chat) const {
  if ((peer != 0) == !chat.empty()) return std::nullopt;
  if (peer != 0) return direct_chat_id(user_, UserId(peer));
  return chat.size() == 16 ? std::optional(ChatId::from(chat)) : std::nullopt;
}

Status Session::check_send(const v1::Send& send) const {
  const bool to_devices = send.device_payloads_size() > 0;
  if (!is_message_id(send.id())) return Errc::message_id_invalid;
  if (send.to() != 0 && send.to() == user_.value && !to_devices) return Errc::message_to_self;
  if (send.payload().empty() && !to_devices) return Error(Errc::invalid_argument, "the payload is empty");
  // A commit has a limit of its own, see check_commit().
  if (!send.has_commit() && send.payload().size() > host_->options().max_payload_bytes) return Errc::too_large;
  if (send.ttl_s() > kYearS) return Error(Errc::invalid_argument, "`ttl_s` is more than a year");
  if (!send.relates_to().empty() && send.relates_to().size() != 16) {
    return Error(Errc::invalid_argument, "`relates_to` must have 16 bytes");
  }
  if (send.has_ends_epoch() && send.chat().empty()) {
    return Error(Errc::invalid_argument, "`ends_epoch` is for groups; `commit` is for direct chats, too");
  }
  if (send.has_commit() && (to_devices || send.ttl_s() != 0 || send.has_ends_epoch() ||
                            !send.commit().payload().empty())) {
    return Error(Errc::invalid_argument, "`commit` goes with `payload` alone");
  }
  if (!to_devices) return Unit{};
  if (send.to() == 0) return Error(Errc::invalid_argument, "`device_payloads` are for direct chats");
  if (send.device_payloads_size() > kMaxDevicePayloads) return Errc::too_large;
  std::size_t bytes = 0;
  for (const auto& one : send.device_payloads()) {
    if (one.payload().empty()) return Error(Errc::invalid_argument, "a payload is empty");
    if (one.payload().size() > host_->options().max_payload_bytes) return Errc::too_large;
    bytes += one.payload().size();
  }
  return bytes <= kMaxDevicePayloadBytes ? Status(Unit{}) : Status(Errc::too_large);
}

SendRequest Session::begin_send(std::uint64_t request_id, const std::string& message_id, const ChatId& chat) const {
  SendRequest request;
  request.id = MessageId::from(message_id);
  request.chat = chat;
  request.from = user_;
  request.device = device_;
  request.copy_to_sender = account_->devices().size() > 1;
  request.reply_worker = host_->index;
  request.reply = [anchor = anchor_, request_id](const Result<SentInfo>& result) {
    Session* session = anchor->session;
    if (session == nullptr) return;
    if (!result) return session->answer_error(request_id, result.error());
    if (request_id != 0 && session->open_requests_ > 0) --session->open_requests_;
    session->send_encoded(
        encode_sent_frame(request_id, result->chat_seq, result->time_delta_ms, !session->host_->options().durable));
  };
  return request;
}

void Session::send_to_chat(SendRequest request) {
  const ChatId chat = request.chat;
  host_->router.on(chat, [request = std::move(request)](Shard& shard) mutable { shard.chats().send(std::move(request)); });
}

void Session::handle_send(Request& frame) {
  v1::Send& send = *frame.mutable_send();
  const std::uint64_t id = frame.request_id();
  const auto chat = chat_of(send.to(), send.chat());
  if (!chat) {
    return answer_error(id, Error(Errc::invalid_argument, "exactly one of `to` and `chat` (16 bytes) must be set"));
  }
  Status checked = check_send(send);
  if (checked && send.has_commit()) checked = check_commit(send.commit(), send.payload());
  if (!checked) return answer_error(id, checked.error());
  SendRequest request = begin_send(id, send.id(), *chat);
  request.to = UserId(send.to());
  request.payload = std::move(*send.mutable_payload());
  request.ttl_s = send.ttl_s();
  request.relates_to = std::move(*send.mutable_relates_to());
  if (send.has_ends_epoch()) request.ends_epoch = send.ends_epoch();
  if (send.has_commit()) set_commit(request, std::move(*send.mutable_commit()));
  if (send.device_payloads_size() > 0) {
    v1::Envelope only;
    *only.mutable_device_payloads() = std::move(*send.mutable_device_payloads());
    only.DiscardUnknownFields();  // which count in no limit
    for (const auto& one : only.device_payloads()) {
      request.devices.emplace_back(UserId(one.user_id()), DeviceId(one.device_id()));
    }
    request.device_payloads = only.SerializeAsString();
    request.devices_known = false;
    for (const DeviceInfo& device : account_->devices()) {
      if (device.id != device_) request.own_devices.push_back(device.id);
    }
  }
  send_to_chat(std::move(request));
}

void Session::handle_ack(Request& frame) {
  const std::uint64_t cursor = frame.ack().cursor();
  if (cursor > sent_) return answer_error(frame.request_id(), Errc::cursor_ahead);
  if (cursor < acked_) return answer_error(frame.request_id(), Errc::cursor_behind);
  acknowledge(cursor);
  answer_done(frame.request_id());
  deliver();
}

void Session::handle_ack_gap(Request& frame) {
  if (gap_to_ == 0 || frame.ack_gap().to() != gap_to_) {
    return answer_error(frame.request_id(), Error(Errc::invalid_argument, "no such gap was told"));
  }
  // Acknowledges what came before the gap as well: whoever knows of the loss has the rest.
  sent_ = gap_to_;
  gap_to_ = 0;
  acknowledge(sent_);
  answer_done(frame.request_id());
  deliver();
}

void Session::handle_read(Request& frame) {
  const v1::Read& asked = frame.read();
  const auto chat = chat_of(asked.peer(), asked.chat());
  if (!chat || asked.chat_seq() == 0 || asked.peer() == user_.value) {
    return answer_error(frame.request_id(), Error(Errc::invalid_argument,
                                                  "`chat_seq`, or exactly one of `peer` and `chat`, is missing"));
  }
  ChatService::Advance to;
  to.member = user_;
  to.read = asked.chat_seq();
  to.shown = !account_->hides_read_receipts();
  to.tell_own = account_->devices().size() > 1;
  host_->router.on(*chat, [id = *chat, to, reply = done_reply(frame.request_id())](Shard& shard) {
    shard.chats().with_chat(id, [&shard, to, reply](Chat& chat) { reply(shard.chats().advance(chat, to)); });
  });
}

void Session::handle_history(Request& frame) {
  const v1::History& asked = frame.history();
  const std::uint64_t id = frame.request_id();
  const auto chat = chat_of(asked.peer(), asked.chat());
  if (!chat) {
    return answer_error(id, Error(Errc::invalid_argument, "exactly one of `peer` and `chat` (16 bytes) must be set"));
  }
  HistoryRequest request;
  request.reader = user_;
  request.chat = *chat;
  request.before = asked.before();
  request.forward = asked.has_after();
  request.after = asked.after();
  request.limit = asked.limit();
  if (request.forward && request.before != 0) {
    return answer_error(id, Error(Errc::invalid_argument, "`before` and `after` exclude each other"));
  }
  host_->router.on(request.chat, [request, id, anchor = anchor_](Shard& shard) {
    shard.chats().history(request, [id, anchor](const Result<HistoryResult>& result) {
      to_session(anchor, [id, result](Session& session) {
        if (!result) return session.answer_error(id, result.error());
        v1::ServerFrame& reply = session.begin(id);
        auto& page = *reply.mutable_history_page();
        page.set_chat_end(result->chat_end);
        page.set_more(result->more);
        for (const HistoryEntry& entry : result->entries) {
          auto& envelope = *page.add_envelopes();
          envelope.ParseFromString(entry.envelope);
          if (envelope.device_payloads_size() == 0 && envelope.joins_size() == 0) continue;
          envelope.ParseFromString(for_device(entry.envelope, session.user_, session.device_));
        }
        session.answer(reply);
      });
    });
  });
}

void Session::handle_ping(Request& frame) {
  v1::ServerFrame& reply = begin(frame.request_id());
  reply.mutable_pong()->set_server_time_ms(host_->clock.wall_ms());
  answer(reply);
}

}  // namespace godwit
