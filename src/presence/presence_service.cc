#include "presence/presence_service.h"

#include <string>
#include <utility>

namespace godwit {

PresenceProbe::PresenceProbe(Metrics& metrics, unsigned worker)
    : updates(metrics.counter("godwit_presence_updates_total", "Changes told to watchers, each of one user to one device")),
      coalesced(metrics.counter("godwit_presence_coalesced_total", "Changes not told because a newer one went instead")),
      frames(metrics.counter("godwit_presence_frames_total", "Frames with changes sent to devices")),
      expired(metrics.counter("godwit_presence_expired_total", "Devices that became offline because nothing was heard of them")),
      watched(metrics.gauge("godwit_presence_watched", "Subscriptions: users watched by devices",
                            {{"worker", std::to_string(worker)}})),
      waiting(metrics.gauge("godwit_presence_waiting", "Users whose change waits for its share of presence.updates_per_s",
                            {{"worker", std::to_string(worker)}})) {}

PresenceService::PresenceService(PresenceWiring wiring, const PresenceOptions& options, Metrics& metrics)
    : wiring_(std::move(wiring)),
      options_(options),
      probe_(metrics, wiring_.worker),
      targets_(wiring_, options_, probe_, target_actions()),
      watchers_(wiring_, options_, probe_, watcher_actions()) {}

template <class F>
void PresenceService::at(unsigned worker, F fn) {
  if (worker == wiring_.worker) return fn(*this);
  wiring_.post(worker, std::move(fn));
}

PresenceTargets::Actions PresenceService::target_actions() {
  return {[this](const WatcherName& watcher, std::uint64_t serial, std::vector<Presence> presences) {
            at(wiring_.map.worker(watcher.user),
               [watcher, serial, presences = std::move(presences)](PresenceService& there) {
                 there.watchers_.answer(watcher, serial, presences);
               });
          },
          [this](unsigned worker, std::vector<PresenceUpdate> updates) {
            at(worker, [updates = std::move(updates)](PresenceService& there) { there.watchers_.update(updates); });
          }};
}

PresenceWatchers::Actions PresenceService::watcher_actions() {
  return {[this](unsigned worker, const WatcherName& watcher, std::uint64_t serial, std::vector<Watched> targets) {
            at(worker, [watcher, serial, targets = std::move(targets)](PresenceService& there) {
              there.targets_.watch({watcher, serial, targets});
            });
          },
          [this](unsigned worker, const WatcherName& watcher, std::vector<UserId> targets) {
            at(worker, [watcher, targets = std::move(targets)](PresenceService& there) {
              there.targets_.unwatch(watcher, targets);
            });
          },
          [this](unsigned worker, const WatcherName& watcher, std::vector<Watched> targets) {
            at(worker, [watcher, targets = std::move(targets)](PresenceService& there) {
              there.targets_.set_sight(watcher, targets);
            });
          }};
}

void PresenceService::join(UserId user, DeviceId device, PresenceState state, std::int64_t ttl_ms) {
  targets_.join(user, device, state, ttl_ms);
}

void PresenceService::leave(UserId user, DeviceId device) {
  watchers_.leave({user, device});
  targets_.leave(user, device);
}

void PresenceService::account_changed(UserId user) {
  targets_.account_changed(user);
  watchers_.account_changed(user);
}

void PresenceService::end_turn() {
  const std::int64_t now_ms = wiring_.clock.steady_ms();
  targets_.end_turn(now_ms);
  watchers_.end_turn(now_ms);
  probe_.watched.Set(static_cast<double>(watchers_.watched()));
  probe_.waiting.Set(static_cast<double>(targets_.waiting()));
}

}  // namespace godwit
