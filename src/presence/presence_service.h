// Presence on one worker: of its users, and for its devices.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/metrics.h"
#include "presence/presence.h"
#include "presence/targets.h"
#include "presence/watchers.h"

namespace godwit {

// Whoever watches subscribes at the worker of each target, which tells the watcher's worker of changes; so a
// change costs only those who watch (docs/decisions/0009-presence-by-interest.md). Nothing of it is durable but
// the time at which a user was last present, which the account keeps.
//
// Owner: one worker. Session calls it for devices of this worker, the shard when records change accounts, other
// workers' services by what they post. end_turn() is its clock: what is due by time waits for the end of a turn,
// at most a tick of the router. Bounds: see PresenceTargets and PresenceWatchers.
class PresenceService {
 public:
  PresenceService(PresenceWiring wiring, const PresenceOptions& options, Metrics& metrics);
  PresenceService(const PresenceService&) = delete;
  PresenceService& operator=(const PresenceService&) = delete;

  // Of a connected device; see PresenceTargets.
  void join(UserId user, DeviceId device, PresenceState state, std::int64_t ttl_ms);
  void set(UserId user, DeviceId device, PresenceState state) { targets_.set(user, device, state); }
  void heard(UserId user, DeviceId device) { targets_.heard(user, device); }
  void note_present(UserId user) { targets_.note_present(user); }
  // The connection has ended; all that it watched ends with it.
  void leave(UserId user, DeviceId device);
  // See PresenceWatchers::change().
  void watch(UserId user, DeviceId device, const PresenceWatchers::Change& change, PresenceWatchers::Reply reply) {
    watchers_.change({user, device}, change, std::move(reply));
  }

  // Privacy, contacts or blocks of a user of this worker have changed, or the account is gone.
  void account_changed(UserId user);

  // End-of-turn hook.
  void end_turn();

  const PresenceOptions& options() const { return options_; }
  // For what other workers post.
  PresenceTargets& targets() { return targets_; }
  PresenceWatchers& watchers() { return watchers_; }

 private:
  // Runs `fn(PresenceService&)` there: at once when that is here.
  template <class F>
  void at(unsigned worker, F fn);
  PresenceTargets::Actions target_actions();
  PresenceWatchers::Actions watcher_actions();

  const PresenceWiring wiring_;
  const PresenceOptions options_;
  PresenceProbe probe_;
  PresenceTargets targets_;
  PresenceWatchers watchers_;
};

}  // namespace godwit
