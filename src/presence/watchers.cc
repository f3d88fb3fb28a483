#include "presence/watchers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "presence/frames.h"

namespace godwit {
namespace {

// Frames sent, and watched users looked at again, before others on the worker have their turn.
constexpr std::size_t kFramesPerTurn = 2'048;
constexpr std::size_t kChecksPerTurn = 8'192;

std::vector<UserId> sorted(std::vector<UserId> users) {
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return users;
}

std::vector<UserId> without(const std::vector<UserId>& users, const std::vector<UserId>& others) {
  std::vector<UserId> left;
  std::set_difference(users.begin(), users.end(), others.begin(), others.end(), std::back_inserter(left));
  return left;
}

std::vector<UserId> together(const std::vector<UserId>& users, const std::vector<UserId>& others) {
  std::vector<UserId> all;
  std::set_union(users.begin(), users.end(), others.begin(), others.end(), std::back_inserter(all));
  return all;
}

bool by_user(const Presence& presence, UserId user) {
  return presence.user < user;
}

}  // namespace

PresenceWatchers::PresenceWatchers(const PresenceWiring& wiring, const PresenceOptions& options, PresenceProbe& probe,
                                   Actions actions)
    : wiring_(wiring), options_(options), probe_(probe), actions_(std::move(actions)) {}

PresenceWatchers::Device* PresenceWatchers::find(const WatcherName& watcher) {
  const auto it = devices_.find(watcher.user);
  if (it == devices_.end()) return nullptr;
  for (const auto& device : it->second) {
    if (device->name.device == watcher.device) return device.get();
  }
  return nullptr;
}

PresenceWatchers::Device& PresenceWatchers::find_or_make(const WatcherName& watcher) {
  if (Device* device = find(watcher)) return *device;
  auto made = std::make_unique<Device>();
  made->name = watcher;
  made->sent_at_ms = made->checked_at_ms = kLongAgo;
  return *devices_[watcher.user].emplace_back(std::move(made));
}

void PresenceWatchers::change(const WatcherName& watcher, const Change& change, Reply reply) {
  Device& device = find_or_make(watcher);
  if (device.open.size() >= kMaxOpen) return reply(Errc::too_many_requests_open);
  const std::size_t most = options_.max_watched;
  if (change.add.size() > most || change.remove.size() > most) return reply(Errc::too_large);
  std::vector<UserId> named = sorted(change.add);
  const std::vector<UserId> removed = without(sorted(change.remove), named);
  std::vector<UserId> watched = together(without(device.watched, removed), named);
  if (watched.size() > most) return reply(Errc::too_large);
  std::size_t room = most - watched.size();
  std::vector<UserId> members;
  for (const UserId user : sorted(change.members)) {
    if (!std::binary_search(watched.begin(), watched.end(), user)) {
      if (room == 0) continue;
      --room;
    }
    members.push_back(user);
  }
  named = together(named, members);
  watched = together(watched, members);

  std::vector<UserId> gone = without(device.watched, watched);
  std::erase_if(device.gathered, [&](const Presence& p) { return std::binary_search(gone.begin(), gone.end(), p.user); });
  watched_ += watched.size() - device.watched.size();
  device.watched = std::move(watched);
  device.watched.shrink_to_fit();
  Open& open = device.open.emplace_back();
  open.serial = ++last_serial_;
  open.reply = std::move(reply);
  unwatch(watcher, gone);
  ask(watcher, open, named);
  answer_in_order(watcher);
}

void PresenceWatchers::unwatch(const WatcherName& watcher, const std::vector<UserId>& targets) {
  std::vector<std::vector<UserId>> parts(wiring_.map.workers);
  for (const UserId user : targets) parts[wiring_.map.worker(user)].push_back(user);
  for (unsigned worker = 0; worker < parts.size(); ++worker) {
    if (!parts[worker].empty()) actions_.unwatch(worker, watcher, std::move(parts[worker]));
  }
}

std::vector<std::vector<Watched>> PresenceWatchers::by_worker(UserId watcher, const std::vector<UserId>& targets) const {
  std::vector<std::vector<Watched>> parts(wiring_.map.workers);
  for (const UserId user : targets) {
    parts[wiring_.map.worker(user)].emplace_back(user, wiring_.sight(watcher, user).value_or(kSightNone));
  }
  return parts;
}

void PresenceWatchers::ask(const WatcherName& watcher, Open& open, const std::vector<UserId>& targets) {
  std::vector<std::vector<Watched>> parts = by_worker(watcher.user, targets);
  open.found.reserve(targets.size());
  open.left = static_cast<std::size_t>(std::count_if(parts.begin(), parts.end(), [](const auto& p) { return !p.empty(); }));
  const std::uint64_t serial = open.serial;  // this worker's own part may answer at once
  for (unsigned worker = 0; worker < parts.size(); ++worker) {
    if (!parts[worker].empty()) actions_.watch(worker, watcher, serial, std::move(parts[worker]));
  }
}

void PresenceWatchers::answer(const WatcherName& watcher, std::uint64_t serial, const std::vector<Presence>& presences) {
  Device* device = find(watcher);
  if (device == nullptr) return;
  const auto open = std::find_if(device->open.begin(), device->open.end(), [&](const Open& o) { return o.serial == serial; });
  if (open == device->open.end()) return;
  open->found.insert(open->found.end(), presences.begin(), presences.end());
  for (const Presence& presence : presences) {
    // What was gathered before is older, and so may be what another request has been told and will answer later.
    const auto it = std::lower_bound(device->gathered.begin(), device->gathered.end(), presence.user, by_user);
    const bool gathered = it != device->gathered.end() && it->user == presence.user;
    if (device->open.size() == 1) {
      if (gathered) device->gathered.erase(it);
    } else if (gathered) {
      *it = presence;
    } else if (std::binary_search(device->watched.begin(), device->watched.end(), presence.user)) {
      device->gathered.insert(it, presence);
    }
  }
  --open->left;
  answer_in_order(watcher);
}

void PresenceWatchers::answer_in_order(const WatcherName& watcher) {
  Device* device = find(watcher);
  while (device != nullptr && !device->open.empty() && device->open.front().left == 0) {
    const Open done = std::move(device->open.front());
    device->open.erase(device->open.begin());
    if (device->open.empty()) device->open = {};
    done.reply(done.found);
    device = find(watcher);  // the reply may have ended the connection
  }
  if (device != nullptr && device->open.empty() && !device->gathered.empty()) {
    schedule(*device, device->sent_at_ms + options_.update_interval_ms);
  }
}

void PresenceWatchers::leave(const WatcherName& watcher) {
  const auto it = devices_.find(watcher.user);
  if (it == devices_.end()) return;
  Devices& devices = it->second;
  const auto gone = std::find_if(devices.begin(), devices.end(), [&](const auto& d) { return d->name == watcher; });
  if (gone == devices.end()) return;
  const std::vector<UserId> watched = std::move((*gone)->watched);
  devices.erase(gone);
  if (devices.empty()) devices_.erase(it);
  watched_ -= watched.size();
  unwatch(watcher, watched);
}

void PresenceWatchers::update(const std::vector<PresenceUpdate>& updates) {
  for (const auto& [watcher, presence] : updates) {
    Device* device = find(watcher);
    if (device == nullptr) continue;
    // It may have been removed while the update was on its way.
    if (!std::binary_search(device->watched.begin(), device->watched.end(), presence.user)) continue;
    const auto it = std::lower_bound(device->gathered.begin(), device->gathered.end(), presence.user, by_user);
    if (it != device->gathered.end() && it->user == presence.user) {
      *it = presence;
      probe_.coalesced.Increment();
    } else {
      device->gathered.insert(it, presence);
    }
    if (device->open.empty()) schedule(*device, device->sent_at_ms + options_.update_interval_ms);
  }
}

void PresenceWatchers::schedule(Device& device, std::int64_t at_ms) {
  if (device.due_at_ms != 0) return;
  device.due_at_ms = std::max(at_ms, wiring_.clock.steady_ms());
  due_.push({device.due_at_ms, device.name});
}

void PresenceWatchers::flush(Device& device, std::int64_t now_ms) {
  device.due_at_ms = 0;
  // With a request open, its answer comes first.
  if (device.gathered.empty() || !device.open.empty()) return;
  encode_presences(device.gathered, frame_);
  if (!wiring_.push(device.name, frame_)) {
    return schedule(device, now_ms + std::max<std::int64_t>(options_.update_interval_ms, 1));
  }
  probe_.frames.Increment();
  device.gathered = {};
  device.sent_at_ms = now_ms;
}

void PresenceWatchers::account_changed(UserId user) {
  const auto it = devices_.find(user);
  if (it == devices_.end()) return;
  for (const auto& device : it->second) {
    if (device->watched.empty() || device->check_due_at_ms != 0) continue;
    device->check_due_at_ms =
        std::max(device->checked_at_ms + options_.update_interval_ms, wiring_.clock.steady_ms());
    checks_due_.push({device->check_due_at_ms, device->name});
  }
}

void PresenceWatchers::check_sight(Device& device, std::int64_t now_ms) {
  device.check_due_at_ms = 0;
  device.checked_at_ms = now_ms;
  const WatcherName name = device.name;
  std::vector<std::vector<Watched>> parts = by_worker(name.user, device.watched);
  for (unsigned worker = 0; worker < parts.size(); ++worker) {
    if (!parts[worker].empty()) actions_.set_sight(worker, name, std::move(parts[worker]));
  }
}

void PresenceWatchers::end_turn(std::int64_t now_ms) {
  for (std::size_t looked = 0; looked < kChecksPerTurn && !checks_due_.empty() && checks_due_.top().at_ms <= now_ms;) {
    const Due due = checks_due_.top();
    checks_due_.pop();
    Device* device = find(due.watcher);
    if (device == nullptr || device->check_due_at_ms != due.at_ms) continue;
    looked += device->watched.size();
    check_sight(*device, now_ms);
  }
  for (std::size_t sent = 0; sent < kFramesPerTurn && !due_.empty() && due_.top().at_ms <= now_ms; ++sent) {
    const Due due = due_.top();
    due_.pop();
    Device* device = find(due.watcher);
    if (device != nullptr && device->due_at_ms == due.at_ms) flush(*device, now_ms);
  }
}

}  // namespace godwit
