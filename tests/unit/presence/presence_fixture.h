// Presence services of two workers with invented accounts and devices, and a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "godwit.pb.h"
#include "presence/presence_service.h"

namespace godwit {

inline constexpr UserId kAnn{101};
inline constexpr UserId kBob{202};

class PresenceFixture : public ::testing::Test {
 protected:
  static constexpr std::int64_t kTtlMs = 60'000;
  static constexpr DeviceId kPhone{1};
  static constexpr DeviceId kLaptop{2};

  struct AccountInfo {
    bool loaded = true;
    std::int64_t last_present_ms = 0;
    std::set<std::uint64_t> hides_online_from;
    std::set<std::uint64_t> hides_last_seen_from;
    std::vector<std::function<void(std::int64_t)>> waiters;
  };
  struct DeviceInfo {
    bool congested = false;
    std::int64_t heard_ms = 0;
    std::vector<std::vector<Presence>> frames;  // as they were pushed
  };

  void start() {
    services_.clear();
    for (unsigned i = 0; i < map_.workers; ++i) {
      services_.push_back(std::make_unique<PresenceService>(wiring(i), options_, metrics_));
    }
  }

  PresenceWiring wiring(unsigned worker) {
    return {worker, map_, clock_,
            [this](unsigned to, std::function<void(PresenceService&)> task) { mail_.emplace_back(to, std::move(task)); },
            [this](UserId user, UserId who) -> std::optional<Sight> {
              const auto it = accounts_.find(user.value);
              if (it == accounts_.end()) return kSightNone;
              const AccountInfo& account = it->second;
              if (!account.loaded) return std::nullopt;
              return (account.hides_online_from.count(who.value) != 0 ? kSightNone : kSightOnline) |
                     (account.hides_last_seen_from.count(who.value) != 0 ? kSightNone : kSightLastSeen);
            },
            [this](UserId user, std::function<void(std::int64_t)> done) {
              const auto it = accounts_.find(user.value);
              if (it == accounts_.end()) return done(0);
              if (it->second.loaded) return done(it->second.last_present_ms);
              it->second.waiters.push_back(std::move(done));
            },
            [this](UserId user, std::int64_t at_ms) { accounts_[user.value].last_present_ms = at_ms; },
            [this](UserId user, DeviceId device) -> std::optional<std::int64_t> {
              const auto it = devices_.find({user.value, device.value});
              return it != devices_.end() ? std::optional(it->second.heard_ms) : std::nullopt;
            },
            [this](const WatcherName& watcher, std::string_view bytes) {
              const auto it = devices_.find({watcher.user.value, watcher.device.value});
              if (it == devices_.end()) return true;
              if (it->second.congested) return false;
              v1::ServerFrame frame;
              EXPECT_TRUE(frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
              std::vector<Presence> presences;
              for (const auto& p : frame.presences().presences()) {
                presences.push_back({UserId(p.user_id()), static_cast<PresenceState>(p.state()), p.last_seen_ms()});
              }
              it->second.frames.push_back(std::move(presences));
              return true;
            }};
  }

  // Runs turns of all workers until nothing more happens at this time.
  void turn() {
    for (int i = 0; i < 4; ++i) {
      for (const auto& service : services_) service->end_turn();
      while (!mail_.empty()) {
        auto [to, task] = std::move(mail_.front());
        mail_.pop_front();
        task(*services_[to]);
      }
    }
  }
  void run(std::int64_t ms, std::int64_t tick = 50) {
    for (; ms > 0; ms -= tick) {
      clock_.advance(std::min(ms, tick));
      turn();
    }
  }

  PresenceService& of(UserId user) { return *services_[map_.worker(user)]; }
  DeviceInfo& device(UserId user, DeviceId id = kPhone) { return devices_[{user.value, id.value}]; }

  void join(UserId user, PresenceState state = PresenceState::online, DeviceId id = kPhone) {
    accounts_[user.value];
    device(user, id).heard_ms = clock_.steady_ms();
    of(user).join(user, id, state, kTtlMs);
  }
  void leave(UserId user, DeviceId id = kPhone) {
    of(user).leave(user, id);
    devices_.erase({user.value, id.value});
  }
  void set(UserId user, PresenceState state, DeviceId id = kPhone) { of(user).set(user, id, state); }

  struct Answer {
    Errc code = Errc::internal;
    std::vector<Presence> presences;
    bool told = false;
  };
  std::shared_ptr<Answer> ask(UserId watcher, PresenceWatchers::Change change, DeviceId id = kPhone) {
    auto answer = std::make_shared<Answer>();
    of(watcher).watch(watcher, id, change, [answer](const Result<std::vector<Presence>>& result) {
      answer->told = true;
      answer->code = result ? Errc::ok : result.error().code;
      if (result) answer->presences = *result;
    });
    return answer;
  }
  // The snapshot of those added.
  std::vector<Presence> watch(UserId watcher, std::vector<UserId> targets, DeviceId id = kPhone) {
    const auto answer = ask(watcher, {std::move(targets), {}, {}}, id);
    turn();
    EXPECT_TRUE(answer->told);
    EXPECT_EQ(answer->code, Errc::ok);
    return answer->presences;
  }
  void unwatch(UserId watcher, std::vector<UserId> targets) {
    const auto answer = ask(watcher, {{}, std::move(targets), {}});
    turn();
    EXPECT_EQ(answer->code, Errc::ok);
  }

  // Frames pushed to a device since the last call.
  std::vector<std::vector<Presence>> frames(UserId user, DeviceId id = kPhone) {
    return std::exchange(device(user, id).frames, {});
  }
  // The one update pushed since the last call.
  Presence only_update(UserId user) {
    const auto got = frames(user);
    EXPECT_EQ(got.size(), 1U);
    if (got.size() != 1) return {};
    EXPECT_EQ(got[0].size(), 1U);
    return got[0].empty() ? Presence{} : got[0][0];
  }
  double metric(const std::string& name) {
    const std::string text = metrics_.render();
    double sum = 0;
    for (std::size_t at = text.find("\n" + name); at != std::string::npos; at = text.find("\n" + name, at + 1)) {
      sum += std::stod(text.substr(text.find(' ', at + 1)));
    }
    return sum;
  }

  PartitionMap map_{256, 2};
  ManualClock clock_;
  Metrics metrics_;
  PresenceOptions options_;
  std::map<std::uint64_t, AccountInfo> accounts_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, DeviceInfo> devices_;
  std::deque<std::pair<unsigned, std::function<void(PresenceService&)>>> mail_;
  std::vector<std::unique_ptr<PresenceService>> services_;
};

}  // namespace godwit
