// What the user does: messages one after the other, in order, and positions read. See client.h.
#include <algorithm>

#include "godwit.pb.h"
#include "tools/cli/client.h"

namespace godwit::cli {
namespace {

constexpr std::chrono::milliseconds kFirstRetry{250};
constexpr std::chrono::milliseconds kLastRetry{15000};

std::chrono::milliseconds retry_wait(std::uint32_t failures, std::uint32_t at_least_ms) {
  const auto backoff = std::min(kLastRetry, kFirstRetry * (1 << std::min(failures, 8U)));
  return std::max(backoff, std::chrono::milliseconds(at_least_ms));
}

}  // namespace

bool Client::send(const OutgoingMessage& message) {
  if (!profile_.outbox().add(message)) return false;
  send_next();
  return true;
}

// One at a time: a message that must be sent again never falls behind those after it.
void Client::send_next() {
  if (!ready() || !options_.authenticate || sending_ || profile_.outbox().messages().empty()) return;
  sending_ = true;
  const OutgoingMessage message = profile_.outbox().messages().front();
  v1::ClientFrame frame;
  *frame.mutable_send() = to_request(message);
  transmit_request(std::move(frame), [this, message](const v1::ServerFrame* reply, const Failure* failure) {
    on_send_reply(message, reply, failure);
  });
}

void Client::on_send_reply(const OutgoingMessage& message, const v1::ServerFrame* reply,
                           const Failure* failure) {
  if (failure == nullptr) {
    send_failures_ = 0;
    on_sent(message, reply->sent());
    sending_ = false;
    return send_next();
  }
  if (failure->exit == ExitCode::connection) {
    sending_ = false;  // sent again after the next Welcome
    return;
  }
  if (failure->name == "token_expired") {
    profile_.account->token.clear();
    return drop_connection(*failure);
  }
  if (events_.send_failed) events_.send_failed(message, *failure, !failure->retryable);
  if (!failure->retryable) {
    send_failures_ = 0;
    profile_.outbox().remove(message.id);
    sending_ = false;
    return send_next();
  }
  resend_timer_.start(retry_wait(send_failures_++, failure->retry_after_ms), [this] {
    sending_ = false;
    send_next();
  });
}

void Client::on_sent(const OutgoingMessage& message, const v1::Sent& sent) {
  v1::Envelope own;
  own.set_id(message.id.str());
  own.set_from(profile_.account->user.value);
  own.set_from_device(profile_.account->device.value);
  if (message.to.is_group()) {
    own.set_chat(message.to.group.str());
  } else {
    own.set_to(message.to.peer.value);
  }
  own.set_chat_seq(sent.chat_seq());
  own.set_time_delta_ms(sent.time_delta_ms());
  own.set_payload(message.payload);
  own.set_ttl_s(message.ttl_s);
  own.set_relates_to(message.relates_to);
  profile_.record(own);
  profile_.store().sync();
  profile_.outbox().remove(message.id);
  save_soon();
  if (events_.sent) events_.sent(message, sent);
}

void Client::mark_read(const ChatRef& chat, std::uint64_t chat_seq) {
  ChatState& state = profile_.state.chats[chat];
  if (chat_seq <= state.read_wanted) return;
  state.read_wanted = chat_seq;
  save_soon();
  report_reads();
}

void Client::report_reads() {
  if (!ready() || !options_.authenticate) return;
  for (const auto& [chat, state] : profile_.state.chats) {
    if (state.read_wanted <= state.own_read || !reporting_reads_.insert(chat).second) continue;
    v1::ClientFrame frame;
    set_chat(*frame.mutable_read(), chat);
    frame.mutable_read()->set_chat_seq(state.read_wanted);
    transmit_request(std::move(frame), [this, chat = chat, told = state.read_wanted](const v1::ServerFrame*,
                                                                                     const Failure* failure) {
      reporting_reads_.erase(chat);
      if (failure != nullptr && (failure->exit == ExitCode::connection || failure->retryable)) return;
      // Refused for good (the account is gone, say) counts as told: there is nobody left to tell.
      ChatState& now = profile_.state.chats[chat];
      now.own_read = std::max(now.own_read, told);
      save_soon();
      report_reads();
    });
  }
}

bool Client::reads_settled() const {
  const auto& chats = profile_.state.chats;
  return std::none_of(chats.begin(), chats.end(),
                      [](const auto& entry) { return entry.second.read_wanted > entry.second.own_read; });
}

}  // namespace godwit::cli
