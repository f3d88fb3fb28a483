#include "router/device_trace.h"

#include <utility>

#include "inbox/page.h"

namespace godwit {
namespace {

// `position` 0: no inbox entry waits for any device, which all have it if anyone ever had.
std::vector<DeviceTrace> devices_of(Shard& shard, const TracedRecipient& recipient, Asker asker, Account& account,
                                    const Inbox& inbox, std::uint64_t position) {
  std::vector<DeviceTrace> traces;
  const bool tells_online = !asker || account.allows(Rule::online, asker);
  const bool tells_last_seen = !asker || account.allows(Rule::last_seen, asker);
  const Registry::User* online = shard.registry().find(recipient.user);
  for (const DeviceInfo& device : account.devices()) {
    DeviceTrace& trace = traces.emplace_back();
    trace.device = device.id;
    const auto cursor = inbox.cursor(device.id);
    trace.delivered = position != 0 ? cursor && *cursor >= position : recipient.delivered;
    trace.pushed = trace.delivered;
    if (tells_last_seen) trace.last_seen_ms = device.last_seen_ms;
    if (online == nullptr) continue;
    for (const Subscriber* subscriber : online->devices) {
      if (subscriber->device() != device.id) continue;
      trace.online = tells_online;
      // Without an acknowledgement that tells, too, that the device is connected.
      trace.pushed |= tells_online && position != 0 && subscriber->sent() >= position;
    }
  }
  return traces;
}

}  // namespace

void trace_devices(Shard& shard, const Store& store, ReaderPool& readers, const PartitionMap& map,
                   const TracedRecipient& recipient, Asker asker,
                   std::function<void(std::vector<DeviceTrace>)> done) {
  shard.inboxes().with(recipient.user, [&shard, &store, &readers, &map, recipient, asker,
                                        done = std::move(done)](Inbox& inbox) {
    const auto tell = [&shard, recipient, asker, done](std::uint64_t position) {
      shard.accounts().with_account(recipient.user, [&shard, recipient, asker, done, position](Account& account) {
        account.pin();  // the inbox may have to be loaded again
        shard.inboxes().with(recipient.user, [&shard, &account, recipient, asker, done, position](Inbox& again) {
          account.unpin();
          done(devices_of(shard, recipient, asker, account, again, position));
        });
      });
    };
    if (const std::uint64_t position = inbox.position_of(recipient.chat, recipient.chat_seq)) return tell(position);
    readers.post([&shard, &store, &map, recipient, first = inbox.floor() + 1, tell] {
      const std::uint64_t position =
          find_in_inbox(store, map, recipient.user, first, recipient.chat, recipient.chat_seq);
      shard.worker().post([tell, position] { tell(position); });
    });
  });
}

}  // namespace godwit
