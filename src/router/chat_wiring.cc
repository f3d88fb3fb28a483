// What chats are told of accounts and connections.
#include <utility>

#include "router/shard.h"

namespace godwit {
namespace {

UserSummary summary_of(const Account& account, UserId by) {
  UserSummary summary;
  summary.exists = account.exists();
  summary.asks_first = account.asks_first() && !account.contacts().contains(by);
  for (const DeviceInfo& device : account.devices()) summary.devices.push_back(device.id);
  return summary;
}

}  // namespace

ChatWiring Shard::wire_chats() {
  return {wiring_.worker, wiring_.workers, wiring_.map, wiring_.clock, wiring_.store, wiring_.readers, writer_,
          [this](UserId user, UserId by, std::function<void(const UserSummary&)> reply) {
            on(user, [&worker = wiring_.worker, user, by, reply = std::move(reply)](Shard& shard) {
              shard.accounts().with_account(user, [&worker, by, reply](Account& account) {
                UserSummary summary = summary_of(account, by);
                if (worker.is_current()) return reply(summary);
                worker.post([reply, summary = std::move(summary)] { reply(summary); });
              });
            });
          },
          [this](ReceiptUpdate update) {
            on(update.sender, [update](Shard& shard) {
              Registry::User* online = shard.registry().find(update.sender);
              if (online == nullptr) return;
              for (Subscriber* device : online->devices) device->on_receipts(update);
            });
          }};
}

}  // namespace godwit
