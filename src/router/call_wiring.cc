// What calls are told of chats, accounts and connections, and what they leave in chats.
#include <utility>

#include "godwit.pb.h"
#include "router/shard.h"

namespace godwit {
namespace {

std::vector<DeviceId> connected_devices(Registry& registry, UserId user) {
  std::vector<DeviceId> devices;
  if (const Registry::User* online = registry.find(user)) {
    for (const Subscriber* device : online->devices) devices.push_back(device->device());
  }
  return devices;
}

Callee callee_of(const Account& account, UserId caller) {
  Callee callee;
  callee.exists = account.exists();
  callee.blocks = account.blocks(caller);
  callee.asks_first = account.asks_first() && !account.contacts().contains(caller);
  for (const DeviceInfo& device : account.devices()) callee.devices.push_back(device.id);
  return callee;
}

ChatStanding standing_of(Chat& chat, UserId user) {
  ChatStanding standing;
  standing.member = chat.group() != nullptr && chat.group()->present(user) != nullptr;
  standing.waits_consent = chat.group() == nullptr && chat.consent_of() == user && static_cast<bool>(user);
  standing.empty = chat.decided_end() == 0;
  return standing;
}

void record_call(Shard& shard, CallEntry entry, std::function<void(const Status&)> reply) {
  shard.chats().with_chat(entry.chat, [&shard, entry = std::move(entry), reply = std::move(reply)](Chat& chat) {
    v1::ChatEvent event;
    event.mutable_call()->ParseFromString(entry.record);
    if (chat.group() != nullptr) event.set_version(chat.group()->version());
    SendRequest request;
    request.from = entry.from.user;
    request.device = entry.from.device;
    request.chat = entry.chat;
    request.to = entry.to;
    request.id = entry.id;
    request.event = event.SerializeAsString();
    request.copy_to_sender = true;
    request.of_server = !entry.begins;
    request.reply_worker = shard.worker().index();
    // A call that begins is one that was not there: under an id that was used before it would have no entry of its own,
    // and nobody would have asked whether its sender may post.
    request.reply = [reply, begins = entry.begins](const Result<SentInfo>& sent) {
      if (!sent) return reply(sent.error());
      reply(begins && sent->repeated ? Status(Errc::message_id_reused) : Status(Unit{}));
    };
    shard.chats().send(std::move(request));
  });
}

}  // namespace

CallWiring Shard::wire_calls() {
  return CallWiring{
      wiring_.clock,
      wiring_.calls_under_way,
      [this](UserId user, std::function<void(CallService&)> fn) {
        on(user, [fn = std::move(fn)](Shard& shard) { fn(shard.calls()); });
      },
      [this](const ChatId& chat, std::function<void(CallService&)> fn) {
        on(chat, [fn = std::move(fn)](Shard& shard) { fn(shard.calls()); });
      },
      [this](UserId user) { return connected_devices(registry_, user); },
      [this](const CallParty& party, std::string_view frame) {
        if (Subscriber* device = registry_.find(party.user, party.device)) device->on_push(frame, false);
      },
      [this](UserId callee, UserId caller, std::function<void(const Callee&)> reply) {
        accounts_.with_account(callee, [caller, reply = std::move(reply)](Account& account) {
          reply(callee_of(account, caller));
        });
      },
      wiring_.wake_up,
      [this](const ChatId& chat, UserId user, std::function<void(const ChatStanding&)> reply) {
        chats_.with_chat(chat, [user, reply = std::move(reply)](Chat& found) { reply(standing_of(found, user)); });
      },
      [this](CallEntry entry, std::function<void(const Status&)> reply) {
        record_call(*this, std::move(entry), std::move(reply));
      }};
}

}  // namespace godwit
