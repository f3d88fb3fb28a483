// Requests about messages: Send, Ack, AckGap, Read, History, Ping.
#include "chat/chat_id.h"
#include "godwit.pb.h"
#include "protocol/codec.h"
#include "session/session.h"

namespace godwit {

void Session::handle_send(Request& frame) {
  v1::Send& send = *frame.mutable_send();
  const std::uint64_t id = frame.request_id();
  if (send.id().size() != 16) return answer_error(id, Errc::message_id_invalid);
  SendRequest request;
  request.id = MessageId::from(send.id());
  request.to = UserId(send.to());
  if (!request.id.is_uuid_v7()) return answer_error(id, Errc::message_id_invalid);
  if (!request.to) return answer_error(id, Error(Errc::invalid_argument, "`to` is missing"));
  if (request.to == user_) return answer_error(id, Errc::message_to_self);
  if (send.payload().empty()) return answer_error(id, Error(Errc::invalid_argument, "the payload is empty"));
  if (send.payload().size() > host_->options().max_payload_bytes) return answer_error(id, Errc::too_large);
  request.from = user_;
  request.device = device_;
  request.payload = std::move(*send.mutable_payload());
  request.copy_to_sender = account_->devices().size() > 1;
  request.reply_worker = host_->index;
  request.reply = [anchor = anchor_, id](const Result<SentInfo>& result) {
    Session* session = anchor->session;
    if (session == nullptr) return;
    if (!result) return session->answer_error(id, result.error());
    if (id != 0 && session->open_requests_ > 0) --session->open_requests_;
    session->send_encoded(
        encode_sent_frame(id, result->chat_seq, result->time_delta_ms, !session->host_->options().durable));
  };
  const ChatId chat = direct_chat_id(user_, request.to);
  host_->router.on(chat, [request = std::move(request)](Shard& shard) mutable { shard.chats().send(std::move(request)); });
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
  const UserId peer(frame.read().peer());
  const std::uint64_t chat_seq = frame.read().chat_seq();
  if (!peer || peer == user_ || chat_seq == 0) {
    return answer_error(frame.request_id(), Error(Errc::invalid_argument, "`peer` or `chat_seq` is missing"));
  }
  const ChatId id = direct_chat_id(user_, peer);
  const bool tell_own = account_->devices().size() > 1;
  host_->router.on(id, [id, user = user_, chat_seq, tell_own, reply = done_reply(frame.request_id())](Shard& shard) {
    shard.chats().with_chat(id, [&shard, user, chat_seq, tell_own, reply](Chat& chat) {
      reply(shard.chats().advance(chat, user, 0, chat_seq, tell_own));
    });
  });
}

void Session::handle_history(Request& frame) {
  const v1::History& asked = frame.history();
  const std::uint64_t id = frame.request_id();
  HistoryRequest request;
  request.reader = user_;
  request.peer = UserId(asked.peer());
  request.before = asked.before();
  request.forward = asked.has_after();
  request.after = asked.after();
  request.limit = asked.limit();
  if (!request.peer || request.peer == user_) {
    return answer_error(id, Error(Errc::invalid_argument, "`peer` is missing"));
  }
  if (request.forward && request.before != 0) {
    return answer_error(id, Error(Errc::invalid_argument, "`before` and `after` exclude each other"));
  }
  host_->router.on(direct_chat_id(user_, request.peer), [request, id, anchor = anchor_](Shard& shard) {
    shard.chats().history(request, [id, anchor](const Result<HistoryResult>& result) {
      to_session(anchor, [id, result](Session& session) {
        if (!result) return session.answer_error(id, result.error());
        v1::ServerFrame& reply = session.begin(id);
        auto& page = *reply.mutable_history_page();
        page.set_chat_end(result->chat_end);
        page.set_more(result->more);
        for (const HistoryEntry& entry : result->entries) page.add_envelopes()->ParseFromString(entry.envelope);
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
