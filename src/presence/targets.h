// The users of one worker as others see them: how present they are, and who watches.
#pragma once

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <set>
#include <tuple>
#include <vector>

#include "presence/presence.h"

namespace godwit {

// A change of a user is published once in update_interval_ms: the first at the end of the turn, then the newest
// state when the interval is over, nothing when it is again what was published. Users that are due wait in a
// queue, each at most once, and go out at updates_per_s: many changes at once make updates late, not many.
//
// What a watcher may see is cached as bits beside it, one pair for what the target's account allows, one for
// what the watcher's does. A change of the target's account makes its pair stale until the next publication has
// gone over all watchers; until then nothing is told by it without a fresh look.
//
// Part of a PresenceService; owner thread only. Bounds: a target for each connected or watched user; watchers by
// what the devices of the process may watch (max_watched each); queues by the number of targets, deadlines by
// the number of devices.
class PresenceTargets {
 public:
  // A WatchPresence on its way: each target with what the watcher lets it see.
  struct Request {
    WatcherName watcher;
    std::uint64_t serial = 0;
    std::vector<Watched> targets;
  };
  struct Actions {
    // Tells the watcher's worker: how present the targets of a request are, and the news of a turn.
    std::function<void(const WatcherName& watcher, std::uint64_t serial, std::vector<Presence>)> answer;
    std::function<void(unsigned worker, std::vector<PresenceUpdate>)> send;
  };

  PresenceTargets(const PresenceWiring& wiring, const PresenceOptions& options, PresenceProbe& probe, Actions actions);

  // A device connects, says how present its user is, and goes. It counts as offline while nothing was heard of
  // it for `ttl_ms`.
  void join(UserId user, DeviceId device, PresenceState state, std::int64_t ttl_ms);
  void set(UserId user, DeviceId device, PresenceState state);
  void leave(UserId user, DeviceId device);
  // Something came from it after its time was over.
  void heard(UserId user, DeviceId device);
  // Notes a present user with the account, so that a crash loses little of it.
  void note_present(UserId user);
  // Others may see more or less of the user than before.
  void account_changed(UserId user);

  // Asked by watchers. A target that is watched already is answered as well.
  void watch(Request request);
  void unwatch(const WatcherName& watcher, const std::vector<UserId>& targets);
  void set_sight(const WatcherName& watcher, const std::vector<Watched>& targets);

  void end_turn(std::int64_t now_ms);

  std::size_t size() const { return targets_.size(); }
  // Targets that wait for their share of the updates.
  std::size_t waiting() const { return ready_.size() + (pass_.rest.empty() ? 0 : 1); }

 private:
  struct Device {
    DeviceId id;
    PresenceState said;
    bool expired = false;
    std::uint32_t ttl_ms = 0;
    std::int64_t check_at_ms = 0;  // steady; the key in deadlines_, unless expired
  };
  // 16 bytes, of which there are millions. What is mutable is no part of the key.
  struct Watcher {
    UserId user;
    DeviceId device;
    mutable std::uint8_t target_lets = kSightNone;
    mutable std::uint8_t watcher_lets = kSightNone;
    mutable std::uint8_t told = 0;  // see digest()
    bool operator==(const Watcher& other) const { return user == other.user && device == other.device; }
  };
  static_assert(sizeof(Watcher) == 16);
  struct WatcherHash {
    std::size_t operator()(const Watcher& w) const {
      return std::hash<UserId>()(UserId(w.user.value + w.device.value * 0x9E3779B97F4A7C15ULL));
    }
  };
  enum class Queued : std::uint8_t { no, timed, ready, loading };
  struct Target {
    boost::container::small_vector<Device, 1> devices;
    boost::unordered_flat_set<Watcher, WatcherHash> watchers;
    std::int64_t last_present_ms = 0;  // wall clock; meant while offline
    std::int64_t published_last_present_ms = 0;
    std::int64_t published_at_ms;  // steady
    std::uint32_t account_version = 0;  // counts changes of the account
    std::uint32_t checked_version = 0;  // what `target_lets` of all watchers is of
    PresenceState state = PresenceState::offline;
    PresenceState published = PresenceState::offline;
    Queued queued = Queued::no;

    bool stale() const { return account_version != checked_version; }
    bool is_news() const {
      return stale() || state != published ||
             (state == PresenceState::offline && last_present_ms != published_last_present_ms);
    }
  };
  struct Due {
    std::int64_t at_ms;
    UserId user;
    bool operator>(const Due& other) const { return at_ms > other.at_ms; }
  };
  // A publication under way, in slices.
  struct Pass {
    UserId user;
    std::vector<WatcherName> rest;
    std::uint32_t version = 0;
    bool changed = false;  // beyond what is seen of it
  };
  // Tokens for updates.
  struct Budget {
    std::int64_t filled_at_ms = -(1LL << 40);  // steady; long ago: begins full
    double tokens = 0;
  };

  Target* find(UserId user);
  Target& find_or_make(UserId user);
  static Device* device_of(Target& target, DeviceId device);
  void drop_if_unused(UserId user, const Target& target);
  void set_deadline(UserId user, Device& device, std::int64_t at_ms);
  void clear_deadline(UserId user, const Device& device);
  void check_deadlines(std::int64_t now_ms);
  // A device is no longer present since `until_ms`, wall clock.
  void was_present(Target& target, std::int64_t until_ms);
  // After a change of devices.
  void settle(UserId user, Target& target);
  void publish_later(UserId user, Target& target);
  void fill_budget(std::int64_t now_ms);
  bool begin_pass(std::int64_t now_ms);
  void publish_some(std::int64_t now_ms);
  // Makes `target_lets` fresh; false when the account is not in memory.
  bool refresh(UserId user, const Target& target, const Watcher& watcher) const;
  void load_then_publish(UserId user, Target& target);
  Presence seen_by(UserId user, const Target& target, const Watcher& watcher) const;
  void tell(UserId user, const Target& target, const Watcher& watcher, bool changed);
  void loaded(UserId user, const WatcherName& watcher, std::int64_t last_present_ms);
  void answer(const Request& request);

  const PresenceWiring& wiring_;
  const PresenceOptions& options_;
  PresenceProbe& probe_;
  const Actions actions_;
  boost::unordered_flat_map<UserId, std::unique_ptr<Target>, std::hash<UserId>> targets_;
  std::set<std::tuple<std::int64_t, UserId, DeviceId>> deadlines_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> timed_;
  std::deque<UserId> ready_;
  Pass pass_;
  Budget budget_;
  std::vector<std::vector<PresenceUpdate>> outgoing_;  // by worker
};

}  // namespace godwit
