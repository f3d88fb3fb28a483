// What chats are told of accounts and connections.
#include <algorithm>
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

bool has_device(const Account& account, DeviceId device) {
  const auto& devices = account.devices();
  return account.exists() && std::any_of(devices.begin(), devices.end(),
                                         [&](const DeviceInfo& one) { return one.id == device; });
}

// Of `devices`, whose users all belong to this shard, those that there are not go to `done`.
void find_gone(Shard& shard, std::vector<DeviceName> devices, std::function<void(std::vector<DeviceName>)> done) {
  struct Search {
    std::size_t left;
    std::vector<DeviceName> gone;
    std::function<void(std::vector<DeviceName>)> done;
  };
  auto search = std::make_shared<Search>(Search{devices.size(), {}, std::move(done)});
  for (const DeviceName& device : devices) {
    shard.accounts().with_account(device.first, [search, device](Account& account) {
      if (!has_device(account, device.second)) search->gone.push_back(device);
      if (--search->left == 0) search->done(std::move(search->gone));
    });
  }
}

}  // namespace

void Shard::find_gone_devices(std::vector<DeviceName> devices, std::function<void(std::vector<DeviceName>)> reply) {
  std::vector<std::vector<DeviceName>> parts(wiring_.map.workers);
  for (const DeviceName& device : devices) parts[wiring_.map.worker(device.first)].push_back(device);
  struct Search {
    std::size_t left = 0;
    std::vector<DeviceName> gone;
    std::function<void(std::vector<DeviceName>)> reply;
  };
  auto search = std::make_shared<Search>();
  search->reply = std::move(reply);
  for (const auto& part : parts) search->left += part.empty() ? 0 : 1;
  for (unsigned there = 0; there < parts.size(); ++there) {
    if (parts[there].empty()) continue;
    wiring_.at(there, [&worker = wiring_.worker, search, part = std::move(parts[there])](Shard& shard) {
      find_gone(shard, part, [&worker, search](std::vector<DeviceName> gone) {
        worker.post([search, gone = std::move(gone)] {
          search->gone.insert(search->gone.end(), gone.begin(), gone.end());
          if (--search->left == 0) search->reply(std::move(search->gone));
        });
      });
    });
  }
}

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
          [this](std::vector<DeviceName> devices, std::function<void(std::vector<DeviceName>)> reply) {
            find_gone_devices(std::move(devices), std::move(reply));
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
