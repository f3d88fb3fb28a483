// What presence is made of, and what the service needs of the rest of the process.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "godwit/clock.h"
#include "godwit/ids.h"
#include "storage/partition_map.h"

namespace godwit {

class PresenceService;

// Values of v1::PresenceState; the greater, the more present.
enum class PresenceState : std::uint8_t { hidden = 0, offline = 1, idle = 2, online = 3 };

// Steady milliseconds at which nothing has happened yet.
inline constexpr std::int64_t kLongAgo = -(1LL << 60);

// How present a user is, as one watcher may know it.
struct Presence {
  UserId user;
  PresenceState state = PresenceState::hidden;
  std::int64_t last_seen_ms = 0;  // wall clock, when offline; 0 is not told or not known
};

// What one account lets a user see of it, by its privacy rules, contacts and blocks.
using Sight = std::uint8_t;
inline constexpr Sight kSightNone = 0;
inline constexpr Sight kSightOnline = 1;
inline constexpr Sight kSightLastSeen = 2;

// Who watches: a device, which has at most one connection. Its worker is that of its user.
struct WatcherName {
  UserId user;
  DeviceId device;
  bool operator==(const WatcherName&) const = default;
};

// A target with what the watcher lets it see: who hides something from somebody is not told it of them.
using Watched = std::pair<UserId, Sight>;

// News of a target for one watcher.
struct PresenceUpdate {
  WatcherName watcher;
  Presence presence;
};

struct PresenceOptions {
  std::int64_t update_interval_ms = 2'000;
  std::uint32_t updates_per_s = 50'000;  // the share of one worker
  std::uint32_t max_watched = 1'000;     // of one device
};

// Made by the router. Each is called on the service's own worker.
struct PresenceWiring {
  unsigned worker = 0;
  PartitionMap map;
  const Clock& clock;
  // Runs on another worker, in order with what was posted there before.
  std::function<void(unsigned worker, std::function<void(PresenceService&)>)> post;
  // What `user`, of this worker, lets `who` see; nothing for who does not exist. None while the account is not
  // in memory. Accounts of connected users always are.
  std::function<std::optional<Sight>(UserId user, UserId who)> sight;
  // Brings an account of this worker into memory and tells, at once or later, when the user was last present.
  std::function<void(UserId user, std::function<void(std::int64_t last_present_ms)>)> load;
  // A connected user of this worker was present until then.
  std::function<void(UserId user, std::int64_t last_present_ms)> note_last_present;
  // When something was received of a connected device, by the steady clock; none when it is not connected.
  std::function<std::optional<std::int64_t>(UserId user, DeviceId device)> heard_ms;
  // Sends an encoded frame to a device of this worker. False: it reads too slowly, try again later.
  std::function<bool(const WatcherName& watcher, std::string_view frame)> push;
};

// Counters shared by all workers, gauges of one.
struct PresenceProbe {
  PresenceProbe(Metrics& metrics, unsigned worker);
  Counter& updates;
  Counter& coalesced;
  Counter& frames;
  Counter& expired;
  Gauge& watched;
  Gauge& waiting;
};

}  // namespace godwit
