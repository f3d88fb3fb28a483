// Messages that are taken back, and strangers that are let in.
#include <algorithm>
#include <utility>

#include "chat/chat_service.h"
#include "godwit.pb.h"
#include "protocol/codec.h"
#include "storage/log_reader.h"

namespace godwit {

namespace {

// Members of a group see nothing from before they came in.
bool visible(Chat& chat, UserId user, std::uint64_t seq) {
  const Group::Member* member = chat.group() != nullptr ? chat.group()->present(user) : nullptr;
  return seq >= (member != nullptr ? std::max<std::uint64_t>(member->joined(), 1) : 1) && seq <= chat.end();
}

}  // namespace

void ChatService::hide(const ChatId& id, UserId user, std::uint64_t chat_seq,
                       std::function<void(const Status&)> reply) {
  chats_.with(id, [this, user, chat_seq, reply = std::move(reply)](Chat& chat) {
    if (!chat.has(user)) return reply(Errc::chat_not_found);
    const auto* hidden = chat.hidden_of(user);
    if (!visible(chat, user, chat_seq)) return reply(Errc::message_not_found);
    if (std::find(hidden->begin(), hidden->end(), chat_seq) != hidden->end()) return reply(Unit{});
    if (hidden->size() >= options_.max_hidden) return reply(Error(Errc::too_large, "too many removed messages in the chat"));
    auto record = std::make_shared<Record>();
    auto& removed = *record->body.mutable_message_hidden();
    removed.set_chat(chat.id().str());
    removed.set_user(user.value);
    removed.set_chat_seq(chat_seq);
    write(std::move(record), reply);
  });
}

void ChatService::remove(RemoveRequest request) {
  chats_.with(request.send.chat, [this, request = std::move(request)](Chat& chat) mutable {
    const std::uint64_t seq = request.chat_seq;
    if (!chat.has(request.send.from)) return answer(request.send, Errc::chat_not_found);
    if (!visible(chat, request.send.from, seq)) return answer(request.send, Errc::message_not_found);
    if (const RecordPtr* record = chat.in_tail(seq)) {
      return remove_found(std::move(request), (*record)->body.message().envelope());
    }
    wiring_.readers.post([this, request = std::move(request), seq]() mutable {
      std::string envelope;
      godwit::read_log(wiring_.store, wiring_.map, request.send.chat, seq, seq, false, wiring_.clock.wall_ms(),
                       [&](std::uint64_t, store::LogEntry& entry) {
                         envelope = std::move(*entry.mutable_envelope());
                         return false;
                       });
      wiring_.worker.post([this, request = std::move(request), envelope = std::move(envelope)]() mutable {
        remove_found(std::move(request), envelope);
      });
    });
  });
}

void ChatService::remove_found(RemoveRequest request, const std::string& envelope) {
  const auto view = parse_envelope(envelope);
  // Changes of the chat are its history, and without a commit nobody gets to the next epoch: they stay.
  if (!view || !view->event.empty() || view->ends_epoch) return answer(request.send, Errc::message_not_found);
  const ChatId id = request.send.chat;
  // While the log was read the chat may have left the cache: then this runs later.
  chats_.with(id, [this, request = std::move(request), author = view->from, envelope](Chat& chat) mutable {
    SendRequest& send = request.send;
    const Group::Member* by = chat.group() != nullptr ? chat.group()->present(send.from) : nullptr;
    const bool admin = by != nullptr && by->role >= Role::admin;
    if (author != send.from && !admin) return answer(send, Errc::not_allowed);
    v1::ChatEvent event;
    event.set_removed_seq(request.chat_seq);
    event.set_version(chat.group() != nullptr ? chat.group()->version() : 0);
    send.event = event.SerializeAsString();
    send.removes_seq = request.chat_seq;
    send.removed_envelope = without_content(envelope, GoneReason::removed);
    this->send(std::move(send));
  });
}

void ChatService::give_consent(const ChatId& id, UserId by, std::function<void(const Status&)> reply) {
  chats_.with(id, [this, by, reply = std::move(reply)](Chat& chat) {
    if (!chat.has(by) || chat.consent_of() != by) return reply(Errc::chat_not_found);
    auto record = std::make_shared<Record>();
    record->body.mutable_consent_given()->set_chat(chat.id().str());
    write(std::move(record), reply);
  });
}

}  // namespace godwit
