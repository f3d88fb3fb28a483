#include "presence/targets.h"

#include <algorithm>
#include <utility>

namespace godwit {
namespace {

// Watchers looked at, and deadlines checked, before others on the worker have their turn.
constexpr std::size_t kWatchersPerTurn = 4'096;
constexpr std::size_t kDeadlinesPerTurn = 1'024;
// Updates of so long may be saved up: of two ticks of the router.
constexpr double kBurstS = 0.1;

// What a watcher was told last, but for the time itself.
std::uint8_t digest(const Presence& presence) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(presence.state) | (presence.last_seen_ms != 0 ? 4U : 0U));
}

}  // namespace

PresenceTargets::PresenceTargets(const PresenceWiring& wiring, const PresenceOptions& options, PresenceProbe& probe,
                                 Actions actions)
    : wiring_(wiring), options_(options), probe_(probe), actions_(std::move(actions)), outgoing_(wiring.map.workers) {
  fill_budget(wiring.clock.steady_ms());
}

PresenceTargets::Target* PresenceTargets::find(UserId user) {
  const auto it = targets_.find(user);
  return it != targets_.end() ? it->second.get() : nullptr;
}

PresenceTargets::Target& PresenceTargets::find_or_make(UserId user) {
  auto& target = targets_[user];
  if (target == nullptr) {
    target = std::make_unique<Target>();
    target->published_at_ms = kLongAgo;
  }
  return *target;
}

PresenceTargets::Device* PresenceTargets::device_of(Target& target, DeviceId device) {
  const auto it = std::find_if(target.devices.begin(), target.devices.end(), [&](const Device& d) { return d.id == device; });
  return it != target.devices.end() ? &*it : nullptr;
}

void PresenceTargets::drop_if_unused(UserId user, const Target& target) {
  const bool in_use = !target.devices.empty() || !target.watchers.empty() || target.queued != Queued::no;
  if (!in_use && (pass_.rest.empty() || pass_.user != user)) targets_.erase(user);
}

void PresenceTargets::join(UserId user, DeviceId device, PresenceState state, std::int64_t ttl_ms) {
  leave(user, device);
  Target& target = find_or_make(user);
  Device& added = target.devices.emplace_back();
  added.id = device;
  added.said = state;
  added.ttl_ms = static_cast<std::uint32_t>(ttl_ms);
  set_deadline(user, added, wiring_.clock.steady_ms() + ttl_ms);
  settle(user, target);
}

void PresenceTargets::set(UserId user, DeviceId device, PresenceState state) {
  Target* target = find(user);
  Device* said = target != nullptr ? device_of(*target, device) : nullptr;
  if (said == nullptr) return;
  const bool was = !said->expired && said->said > PresenceState::offline;
  said->said = state;
  if (was && state == PresenceState::offline) was_present(*target, wiring_.clock.wall_ms());
  settle(user, *target);
}

void PresenceTargets::leave(UserId user, DeviceId device) {
  Target* target = find(user);
  Device* gone = target != nullptr ? device_of(*target, device) : nullptr;
  if (gone == nullptr) return;
  clear_deadline(user, *gone);
  const bool was = !gone->expired && gone->said > PresenceState::offline;
  target->devices.erase(target->devices.begin() + (gone - target->devices.data()));
  if (was) was_present(*target, wiring_.clock.wall_ms());
  settle(user, *target);
  drop_if_unused(user, *target);
}

void PresenceTargets::heard(UserId user, DeviceId device) {
  Target* target = find(user);
  Device* back = target != nullptr ? device_of(*target, device) : nullptr;
  if (back == nullptr || !std::exchange(back->expired, false)) return;
  set_deadline(user, *back, wiring_.clock.steady_ms() + back->ttl_ms);
  settle(user, *target);
}

void PresenceTargets::note_present(UserId user) {
  const Target* target = find(user);
  if (target != nullptr && target->state > PresenceState::offline) {
    wiring_.note_last_present(user, wiring_.clock.wall_ms());
  }
}

void PresenceTargets::set_deadline(UserId user, Device& device, std::int64_t at_ms) {
  device.check_at_ms = at_ms;
  deadlines_.emplace(at_ms, user, device.id);
}

void PresenceTargets::clear_deadline(UserId user, const Device& device) {
  if (!device.expired) deadlines_.erase({device.check_at_ms, user, device.id});
}

// A deadline is checked when it would be over if nothing had been heard since it was set.
void PresenceTargets::check_deadlines(std::int64_t now_ms) {
  for (std::size_t i = 0; i < kDeadlinesPerTurn && !deadlines_.empty(); ++i) {
    const auto [at_ms, user, id] = *deadlines_.begin();
    if (at_ms > now_ms) return;
    deadlines_.erase(deadlines_.begin());
    Target& target = *find(user);
    Device& device = *device_of(target, id);
    const std::int64_t heard_ms = wiring_.heard_ms(user, id).value_or(now_ms);
    if (now_ms - heard_ms < device.ttl_ms) {
      set_deadline(user, device, heard_ms + device.ttl_ms);
      continue;
    }
    device.expired = true;
    probe_.expired.Increment();
    if (device.said > PresenceState::offline) was_present(target, wiring_.clock.wall_ms() - (now_ms - heard_ms));
    settle(user, target);
  }
}

void PresenceTargets::was_present(Target& target, std::int64_t until_ms) {
  target.last_present_ms = std::max(target.last_present_ms, until_ms);
}

void PresenceTargets::settle(UserId user, Target& target) {
  PresenceState state = PresenceState::offline;
  for (const Device& device : target.devices) {
    if (!device.expired) state = std::max(state, device.said);
  }
  if (state == target.state) return;
  if (target.state == PresenceState::offline) {
    target.last_present_ms = 0;
  } else if (state == PresenceState::offline) {
    wiring_.note_last_present(user, target.last_present_ms);
  }
  target.state = state;
  publish_later(user, target);
}

void PresenceTargets::account_changed(UserId user) {
  Target* target = find(user);
  if (target == nullptr || target->watchers.empty()) return;
  ++target->account_version;
  publish_later(user, *target);
}

void PresenceTargets::publish_later(UserId user, Target& target) {
  if (target.watchers.empty()) return;
  if (target.queued != Queued::no) {
    probe_.coalesced.Increment(static_cast<double>(target.watchers.size()));
    return;
  }
  const std::int64_t at_ms = target.published_at_ms + options_.update_interval_ms;
  if (at_ms <= wiring_.clock.steady_ms()) {
    target.queued = Queued::ready;
    ready_.push_back(user);
  } else {
    target.queued = Queued::timed;
    timed_.push({at_ms, user});
  }
}

void PresenceTargets::watch(Request request) {
  struct Loading {
    Request request;
    std::size_t left;
  };
  auto loading = std::make_shared<Loading>(Loading{std::move(request), 0});
  const Request& asked = loading->request;
  loading->left = asked.targets.size() + 1;
  const auto one_done = [this, loading] {
    if (--loading->left == 0) answer(loading->request);
  };
  // Known before anything is loaded: a watcher that goes meanwhile is found and removed.
  for (const auto& [user, sight] : asked.targets) {
    Watcher watcher;
    watcher.user = asked.watcher.user;
    watcher.device = asked.watcher.device;
    find_or_make(user).watchers.insert(watcher).first->watcher_lets = sight;
  }
  for (const auto& [user, sight] : asked.targets) {
    wiring_.load(user, [this, one_done, loading, user = user](std::int64_t last_present_ms) {
      loaded(user, loading->request.watcher, last_present_ms);
      one_done();
    });
  }
  one_done();
}

void PresenceTargets::loaded(UserId user, const WatcherName& name, std::int64_t last_present_ms) {
  Target* target = find(user);
  if (target == nullptr) return;
  if (target->state == PresenceState::offline && target->last_present_ms == 0) {
    target->last_present_ms = last_present_ms;
    if (target->published_last_present_ms == 0) target->published_last_present_ms = last_present_ms;
  }
  const auto watcher = target->watchers.find({name.user, name.device});
  if (watcher != target->watchers.end()) {
    watcher->target_lets = wiring_.sight(user, name.user).value_or(kSightNone);
  }
}

// All at one moment: whatever the watcher's worker gets before this is older, whatever after it is newer.
void PresenceTargets::answer(const Request& request) {
  std::vector<Presence> presences;
  presences.reserve(request.targets.size());
  for (const auto& [user, sight] : request.targets) {
    presences.push_back({user, PresenceState::hidden, 0});
    const Target* target = find(user);
    if (target == nullptr) continue;
    const auto watcher = target->watchers.find({request.watcher.user, request.watcher.device});
    if (watcher == target->watchers.end()) continue;
    // What cannot be looked at now is told by the publication that is due anyway.
    if (target->stale() && !refresh(user, *target, *watcher)) watcher->target_lets = kSightNone;
    presences.back() = seen_by(user, *target, *watcher);
    watcher->told = digest(presences.back());
  }
  actions_.answer(request.watcher, request.serial, std::move(presences));
}

void PresenceTargets::unwatch(const WatcherName& watcher, const std::vector<UserId>& targets) {
  for (const UserId user : targets) {
    Target* target = find(user);
    if (target == nullptr) continue;
    target->watchers.erase({watcher.user, watcher.device});
    drop_if_unused(user, *target);
  }
}

void PresenceTargets::set_sight(const WatcherName& name, const std::vector<Watched>& targets) {
  for (const auto& [user, sight] : targets) {
    const Target* target = find(user);
    if (target == nullptr) continue;
    const auto watcher = target->watchers.find({name.user, name.device});
    if (watcher == target->watchers.end()) continue;
    watcher->watcher_lets = sight;
    // A stale target tells all its watchers soon.
    if (!target->stale()) tell(user, *target, *watcher, false);
  }
}

bool PresenceTargets::refresh(UserId user, const Target& target, const Watcher& watcher) const {
  if (!target.stale()) return true;
  const auto sight = wiring_.sight(user, watcher.user);
  if (sight) watcher.target_lets = *sight;
  return sight.has_value();
}

Presence PresenceTargets::seen_by(UserId user, const Target& target, const Watcher& watcher) const {
  const Sight sight = watcher.target_lets & watcher.watcher_lets;
  if ((sight & kSightOnline) == 0) return {user, PresenceState::hidden, 0};
  const bool last_seen = target.state == PresenceState::offline && (sight & kSightLastSeen) != 0;
  return {user, target.state, last_seen ? target.last_present_ms : 0};
}

void PresenceTargets::tell(UserId user, const Target& target, const Watcher& watcher, bool changed) {
  const Presence presence = seen_by(user, target, watcher);
  const std::uint8_t told = digest(presence);
  if (told == watcher.told && !(changed && presence.last_seen_ms != 0)) return;
  watcher.told = told;
  --budget_.tokens;
  probe_.updates.Increment();
  outgoing_[wiring_.map.worker(watcher.user)].push_back({{watcher.user, watcher.device}, presence});
}

void PresenceTargets::fill_budget(std::int64_t now_ms) {
  const double rate = options_.updates_per_s;
  const double gained = static_cast<double>(now_ms - budget_.filled_at_ms) * rate / 1000;
  budget_.tokens = std::min(std::max(1.0, rate * kBurstS), budget_.tokens + gained);
  budget_.filled_at_ms = now_ms;
}

// Takes up the next target that has something to tell. False when there is none.
bool PresenceTargets::begin_pass(std::int64_t now_ms) {
  while (!ready_.empty()) {
    const UserId user = ready_.front();
    ready_.pop_front();
    Target& target = *find(user);
    target.queued = Queued::no;
    if (target.watchers.empty() || !target.is_news()) {
      drop_if_unused(user, target);
      continue;
    }
    pass_.user = user;
    pass_.version = target.account_version;
    pass_.changed = target.state != target.published || target.last_present_ms != target.published_last_present_ms;
    for (const Watcher& watcher : target.watchers) pass_.rest.push_back({watcher.user, watcher.device});
    target.published = target.state;
    target.published_last_present_ms = target.last_present_ms;
    target.published_at_ms = now_ms;
    return true;
  }
  return false;
}

void PresenceTargets::publish_some(std::int64_t now_ms) {
  for (std::size_t looked = 0; looked < kWatchersPerTurn && budget_.tokens >= 1; ++looked) {
    if (pass_.rest.empty() && !begin_pass(now_ms)) return;
    const UserId user = pass_.user;
    const WatcherName name = pass_.rest.back();
    pass_.rest.pop_back();
    Target& target = *find(user);
    const auto watcher = target.watchers.find({name.user, name.device});
    if (watcher != target.watchers.end()) {
      if (!refresh(user, target, *watcher)) {
        pass_.rest.clear();
        load_then_publish(user, target);
        continue;
      }
      tell(user, target, *watcher, pass_.changed);
    }
    if (pass_.rest.empty()) {
      target.checked_version = pass_.version;
      drop_if_unused(user, target);
    }
  }
}

void PresenceTargets::load_then_publish(UserId user, Target& target) {
  target.published_last_present_ms = -1;  // not all were told
  if (target.queued == Queued::no) target.queued = Queued::loading;
  wiring_.load(user, [this, user](std::int64_t) {
    Target* loaded = find(user);
    if (loaded == nullptr || loaded->queued != Queued::loading) return;
    loaded->queued = Queued::ready;
    ready_.push_back(user);
  });
}

void PresenceTargets::end_turn(std::int64_t now_ms) {
  check_deadlines(now_ms);
  while (!timed_.empty() && timed_.top().at_ms <= now_ms) {
    const UserId user = timed_.top().user;
    timed_.pop();
    find(user)->queued = Queued::ready;
    ready_.push_back(user);
  }
  fill_budget(now_ms);
  publish_some(now_ms);
  for (unsigned worker = 0; worker < outgoing_.size(); ++worker) {
    if (!outgoing_[worker].empty()) actions_.send(worker, std::exchange(outgoing_[worker], {}));
  }
}

}  // namespace godwit
