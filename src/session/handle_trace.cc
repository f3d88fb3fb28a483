// TraceMessage: what the chat knows of a message, and per recipient what their worker knows of their devices.
#include <algorithm>
#include <utility>

#include "godwit.pb.h"
#include "router/device_trace.h"
#include "session/session.h"

namespace godwit {
// A trace on its way through the workers of the recipients.
struct Session::Tracing {
  std::uint64_t request_id = 0;
  ChatId chat;
  Trace trace;
  v1::ServerFrame reply;
  std::size_t left = 0;
};

void Session::handle_trace_message(Request& frame) {
  const v1::TraceMessage& asked = frame.trace_message();
  const std::uint64_t id = frame.request_id();
  const auto chat = chat_of(asked.peer(), asked.chat());
  if (!chat) {
    return answer_error(id, Error(Errc::invalid_argument, "exactly one of `peer` and `chat` (16 bytes) must be set"));
  }
  if (asked.id().size() != 16) return answer_error(id, Errc::message_id_invalid);
  host_->router.on(*chat, [chat = *chat, user = user_, message = MessageId(MessageId::from(asked.id())), id,
                           anchor = anchor_](Shard& shard) {
    shard.chats().trace(chat, user, message, [chat, id, anchor](const Result<Trace>& found) {
      to_session(anchor, [chat, id, found](Session& session) {
        if (!found) return session.answer_error(id, found.error());
        auto tracing = std::make_shared<Tracing>();
        tracing->request_id = id;
        tracing->chat = chat;
        tracing->trace = *found;
        session.trace_recipients(tracing);
      });
    });
  });
}

void Session::trace_recipients(const std::shared_ptr<Tracing>& tracing) {
  const Trace& trace = tracing->trace;
  auto& out = *tracing->reply.mutable_message_trace();
  out.set_chat_seq(trace.chat_seq);
  out.set_accepted_ms(trace.accepted_ms);
  out.set_durable_ms(trace.durable_ms);
  const bool shows_reads = !account_->hides_read_receipts();
  tracing->left = trace.recipients.size();
  for (const Trace::Recipient& recipient : trace.recipients) {
    auto& added = *out.add_recipients();
    added.set_user_id(recipient.user.value);
    added.set_delivered_ms(recipient.delivered_ms);
    if (shows_reads) added.set_read_ms(recipient.read_ms);
  }
  if (tracing->left == 0) return answer_frame(*this, tracing->request_id, tracing->reply);
  for (std::size_t i = 0; i < trace.recipients.size(); ++i) {
    const auto told = [anchor = anchor_, tracing, i](const std::vector<DeviceTrace>& devices) {
      to_session(anchor, [tracing, i, devices](Session& session) {
        auto& recipient = *tracing->reply.mutable_message_trace()->mutable_recipients(static_cast<int>(i));
        for (const DeviceTrace& device : devices) {
          auto& added = *recipient.add_devices();
          added.set_device_id(device.device.value);
          added.set_online(device.online);
          added.set_pushed(device.pushed);
          added.set_delivered(device.delivered);
          added.set_last_seen_ms(device.last_seen_ms);
        }
        if (--tracing->left == 0) answer_frame(session, tracing->request_id, tracing->reply);
      });
    };
    const Trace::Recipient& from = trace.recipients[i];
    // Of who blocks the sender nothing is told, not even which devices there are.
    if (from.hidden) {
      told({});
      continue;
    }
    const TracedRecipient recipient{from.user, tracing->chat, trace.chat_seq, from.delivered_ms != 0};
    host_->router.on(recipient.user, [recipient, told, host = host_, asker = user_](Shard& shard) {
      trace_devices(shard, host->store, host->readers, host->router.map(), recipient, asker, told);
    });
  }
}

}  // namespace godwit
