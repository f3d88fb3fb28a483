// What keys are told of accounts and connections, and their way into the key log.
#include <utility>

#include "router/shard.h"

namespace godwit {
namespace {

KeyOwner owner_of(const Account& account) {
  KeyOwner owner;
  owner.exists = account.exists();
  for (const DeviceInfo& device : account.devices()) {
    owner.devices.push_back(
        {device.id, device.key, device.approved_by, device.approval_signature, device.approval_link_id});
  }
  return owner;
}

}  // namespace

KeyWiring Shard::wire_keys() {
  return {wiring_.worker, wiring_.map, wiring_.clock, wiring_.store, wiring_.readers, writer_, wiring_.verify_keys,
          wiring_.claims,
          [this](UserId user, std::function<void(const KeyOwner&)> reply) {
            accounts_.with_account(user, [reply = std::move(reply)](Account& account) { reply(owner_of(account)); });
          },
          [this](RecordPtr record, std::function<void(Errc)> reply) {
            on(kKeyLogName, [worker = wiring_.worker.index(), record = std::move(record),
                             reply = std::move(reply)](Shard& shard) mutable {
              shard.key_log().append(std::move(record), worker, [reply = std::move(reply)](const Result<std::uint64_t>& index) {
                reply(index ? Errc::ok : index.error().code);
              });
            });
          },
          [this](UserId user, DeviceId device, std::string_view frame) {
            if (Subscriber* subscriber = registry_.find(user, device)) subscriber->on_push(frame, true);
          },
          [this](UserId user, std::function<void(KeyService&)> fn) {
            on(user, [fn = std::move(fn)](Shard& shard) { fn(shard.keys()); });
          }};
}

}  // namespace godwit
