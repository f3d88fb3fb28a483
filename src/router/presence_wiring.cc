// What presence is told of accounts and connections.
#include <algorithm>
#include <utility>

#include "router/shard.h"

namespace godwit {

PresenceWiring Shard::wire_presence() {
  return {wiring_.worker.index(),
          wiring_.map,
          wiring_.clock,
          [this](unsigned worker, std::function<void(PresenceService&)> task) {
            wiring_.at(worker, [task = std::move(task)](Shard& shard) { task(shard.presence()); });
          },
          [this](UserId user, UserId who) -> std::optional<Sight> {
            const Account* account = accounts_.accounts().find(user);
            if (account == nullptr) return std::nullopt;
            const Sight online = account->allows(Rule::online, who) ? kSightOnline : kSightNone;
            return online | (account->allows(Rule::last_seen, who) ? kSightLastSeen : kSightNone);
          },
          [this](UserId user, std::function<void(std::int64_t)> done) {
            accounts_.with_account(user, [done = std::move(done)](Account& account) { done(account.last_present_ms()); });
          },
          [this](UserId user, std::int64_t last_present_ms) { accounts_.was_present(user, last_present_ms); },
          [this](UserId user, DeviceId device) -> std::optional<std::int64_t> {
            const Subscriber* subscriber = registry_.find(user, device);
            return subscriber != nullptr ? std::optional(subscriber->heard_ms()) : std::nullopt;
          },
          [this](const WatcherName& watcher, std::string_view frame) {
            Subscriber* subscriber = registry_.find(watcher.user, watcher.device);
            if (subscriber == nullptr) return true;
            if (subscriber->congested()) return false;
            subscriber->on_push(frame, true);
            return true;
          }};
}

}  // namespace godwit
