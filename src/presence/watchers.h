// The devices of one worker that watch: whom, and what they have yet to be told.
#pragma once

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "godwit/result.h"
#include "presence/presence.h"

namespace godwit {

// What is told to one device is gathered: one frame in update_interval_ms, the first at the end of the turn. A
// device that reads too slowly gets the newest of all when it has caught up. While a request of a device waits
// for its answer nothing else is told to it, and requests are answered in order, so that what comes last is the
// newest.
//
// Part of a PresenceService; owner thread only. Bounds: max_watched users and kMaxOpen requests for a device;
// what is gathered is at most one update for each watched user.
class PresenceWatchers {
 public:
  static constexpr std::size_t kMaxOpen = 16;
  struct Change {
    std::vector<UserId> add;
    std::vector<UserId> remove;   // before `add`
    std::vector<UserId> members;  // as many as there is room for, the smallest ids first
  };
  using Reply = std::function<void(const Result<std::vector<Presence>>&)>;
  struct Actions {
    std::function<void(unsigned worker, const WatcherName&, std::uint64_t serial, std::vector<Watched>)> watch;
    std::function<void(unsigned worker, const WatcherName&, std::vector<UserId>)> unwatch;
    std::function<void(unsigned worker, const WatcherName&, std::vector<Watched>)> set_sight;
  };

  PresenceWatchers(const PresenceWiring& wiring, const PresenceOptions& options, PresenceProbe& probe,
                   Actions actions);

  // All or nothing: too_large beyond max_watched, too_many_requests_open beyond kMaxOpen. `reply` gets the
  // presence of those added, or watched already and named again; not called when the device goes before.
  void change(const WatcherName& watcher, const Change& change, Reply reply);
  // The connection has ended.
  void leave(const WatcherName& watcher);
  // The user lets others see more or less than before, and so sees more or less of them.
  void account_changed(UserId user);

  // Told by targets.
  void answer(const WatcherName& watcher, std::uint64_t serial, const std::vector<Presence>& presences);
  void update(const std::vector<PresenceUpdate>& updates);

  void end_turn(std::int64_t now_ms);

  // Subscriptions: watched users of all devices.
  std::size_t watched() const { return watched_; }

 private:
  struct Open {
    std::uint64_t serial = 0;
    std::size_t left = 0;  // workers that have not answered
    std::vector<Presence> found;
    Reply reply;
  };
  struct Device {
    WatcherName name;
    std::vector<UserId> watched;     // ascending
    std::vector<Presence> gathered;  // ascending by user
    std::vector<Open> open;          // in the order of the requests
    std::int64_t sent_at_ms;         // steady, as the others
    std::int64_t due_at_ms = 0;      // 0: nothing is to be sent
    std::int64_t checked_at_ms;
    std::int64_t check_due_at_ms = 0;  // 0: what the account lets others see has not changed
  };
  struct Due {
    std::int64_t at_ms;
    WatcherName watcher;
    bool operator>(const Due& other) const { return at_ms > other.at_ms; }
  };
  using DueQueue = std::priority_queue<Due, std::vector<Due>, std::greater<>>;
  using Devices = boost::container::small_vector<std::unique_ptr<Device>, 1>;

  Device* find(const WatcherName& watcher);
  Device& find_or_make(const WatcherName& watcher);
  void schedule(Device& device, std::int64_t at_ms);
  void flush(Device& device, std::int64_t now_ms);
  void check_sight(Device& device, std::int64_t now_ms);
  void answer_in_order(const WatcherName& watcher);
  void unwatch(const WatcherName& watcher, const std::vector<UserId>& targets);
  void ask(const WatcherName& watcher, Open& open, const std::vector<UserId>& targets);
  // By worker, each with what the watcher lets it see.
  std::vector<std::vector<Watched>> by_worker(UserId watcher, const std::vector<UserId>& targets) const;

  const PresenceWiring& wiring_;
  const PresenceOptions& options_;
  PresenceProbe& probe_;
  const Actions actions_;
  boost::unordered_flat_map<UserId, Devices, std::hash<UserId>> devices_;
  DueQueue due_;         // a device at most once, besides entries of devices that have gone, which end with time
  DueQueue checks_due_;  // the same
  std::size_t watched_ = 0;
  std::uint64_t last_serial_ = 0;
  std::string frame_;  // reused
};

}  // namespace godwit
