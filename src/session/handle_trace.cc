// TraceMessage: what the chat knows of a message, and per recipient what their worker knows of their devices.
#include <algorithm>
#include <utility>

#include "godwit.pb.h"
#include "session/session.h"

namespace godwit {
namespace {

// Asked on the recipient's worker, told there once `position` in the inbox is known.
struct Recipient {
  UserId user;
  UserId sender;
  ChatId chat;
  std::uint64_t chat_seq = 0;
  std::int64_t delivered_ms = 0;
};

using Devices = std::vector<v1::DeviceTrace>;

// `position` 0: no inbox entry waits for any device, which all have it if anyone ever had.
Devices device_traces(Shard& shard, const Recipient& recipient, Account& account, const Inbox& inbox,
                      std::uint64_t position) {
  Devices traces;
  const bool tells_online = account.allows(Rule::online, recipient.sender);
  const bool tells_last_seen = account.allows(Rule::last_seen, recipient.sender);
  const Registry::User* online = shard.registry().find(recipient.user);
  for (const DeviceInfo& device : account.devices()) {
    v1::DeviceTrace& trace = traces.emplace_back();
    trace.set_device_id(device.id.value);
    const auto cursor = inbox.cursor(device.id);
    trace.set_delivered(position != 0 ? cursor && *cursor >= position : recipient.delivered_ms != 0);
    trace.set_pushed(trace.delivered());
    if (tells_last_seen) trace.set_last_seen_ms(device.last_seen_ms);
    if (online == nullptr) continue;
    for (const Subscriber* subscriber : online->devices) {
      if (subscriber->device() != device.id) continue;
      trace.set_online(tells_online);
      trace.set_pushed(trace.delivered() || (position != 0 && subscriber->sent() >= position));
    }
  }
  return traces;
}

// On the recipient's worker; `done` there.
void trace_devices(Shard& shard, SessionHost& host, const Recipient& recipient, std::function<void(Devices)> done) {
  shard.inboxes().with(recipient.user, [&shard, &host, recipient, done = std::move(done)](Inbox& inbox) {
    const auto tell = [&shard, recipient, done](std::uint64_t position) {
      shard.accounts().with_account(recipient.user, [&shard, recipient, done, position](Account& account) {
        shard.inboxes().with(recipient.user, [&](Inbox& again) {
          done(device_traces(shard, recipient, account, again, position));
        });
      });
    };
    if (const std::uint64_t position = inbox.position_of(recipient.chat, recipient.chat_seq)) return tell(position);
    host.readers.post([&shard, &host, recipient, first = inbox.floor() + 1, tell] {
      const std::uint64_t position =
          find_in_inbox(host.store, host.router.map(), recipient.user, first, recipient.chat, recipient.chat_seq);
      shard.worker().post([tell, position] { tell(position); });
    });
  });
}

}  // namespace

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
    const auto told = [anchor = anchor_, tracing, i](Devices devices) {
      to_session(anchor, [tracing, i, devices = std::move(devices)](Session& session) {
        auto& recipient = *tracing->reply.mutable_message_trace()->mutable_recipients(static_cast<int>(i));
        for (const v1::DeviceTrace& device : devices) *recipient.add_devices() = device;
        if (--tracing->left == 0) answer_frame(session, tracing->request_id, tracing->reply);
      });
    };
    const Trace::Recipient& from = trace.recipients[i];
    // Of who blocks the sender nothing is told, not even which devices there are.
    if (from.hidden) {
      told({});
      continue;
    }
    const Recipient recipient{from.user, user_, tracing->chat, trace.chat_seq, from.delivered_ms};
    host_->router.on(recipient.user, [recipient, told, host = host_](Shard& shard) {
      trace_devices(shard, *host, recipient, told);
    });
  }
}

}  // namespace godwit
