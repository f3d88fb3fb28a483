// What calls are told of chats, accounts and connections, and what they leave in chats.
#include <utility>

#include "godwit.pb.h"
#include "router/router.h"

namespace godwit {
namespace {

std::vector<DeviceId> connected_devices(Shard& shard, UserId user) {
  std::vector<DeviceId> devices;
  if (const Registry::User* online = shard.registry().find(user)) {
    for (const Subscriber* device : online->devices) devices.push_back(device->device());
  }
  return devices;
}

void push_to_device(Shard& shard, const CallParty& party, std::string_view frame) {
  Registry::User* online = shard.registry().find(party.user);
  if (online == nullptr) return;
  for (Subscriber* device : online->devices) {
    if (device->device() == party.device) device->on_push(frame, false);
  }
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
    request.reply = [reply](const Result<SentInfo>& sent) { reply(sent ? Status(Unit{}) : Status(sent.error())); };
    shard.chats().send(std::move(request));
  });
}

}  // namespace

CallWiring Router::call_wiring(unsigned index) {
  const auto here = [this, index]() -> Shard& { return *shards_[index]; };
  return CallWiring{
      clock_,
      calls_under_way_,
      [this](UserId user, std::function<void(CallService&)> fn) {
        on(user, [fn = std::move(fn)](Shard& shard) { fn(shard.calls()); });
      },
      [this](const ChatId& chat, std::function<void(CallService&)> fn) {
        on(chat, [fn = std::move(fn)](Shard& shard) { fn(shard.calls()); });
      },
      [here](UserId user) { return connected_devices(here(), user); },
      [here](const CallParty& party, std::string_view frame) { push_to_device(here(), party, frame); },
      [here](UserId callee, UserId caller, std::function<void(const Callee&)> reply) {
        here().accounts().with_account(callee, [caller, reply = std::move(reply)](Account& account) {
          reply(callee_of(account, caller));
        });
      },
      [this](WakeUp wake) {
        if (wake_up_) wake_up_(std::move(wake));
      },
      [here](const ChatId& chat, UserId user, std::function<void(const ChatStanding&)> reply) {
        here().chats().with_chat(chat, [user, reply = std::move(reply)](Chat& found) {
          reply(standing_of(found, user));
        });
      },
      [here](CallEntry entry, std::function<void(const Status&)> reply) {
        record_call(here(), std::move(entry), std::move(reply));
      }};
}

}  // namespace godwit
