// States, last seen, time to live, coalescing, and what watchers are told in which order.
#include "presence_fixture.h"

namespace godwit {
namespace {

constexpr UserId kCat{303};

class PresenceTest : public PresenceFixture {
 protected:
  void SetUp() override {
    start();
    join(kAnn);
    turn();
  }
};

TEST_F(PresenceTest, ASnapshotTellsWhoIsThereAndWhenOthersWere) {
  join(kBob, PresenceState::idle);
  accounts_[kCat.value].last_present_ms = 1'234;
  const auto found = watch(kAnn, {kBob, kCat, kAnn});
  ASSERT_EQ(found.size(), 3U);
  for (const Presence& p : found) {
    EXPECT_EQ(p.state, p.user == kAnn   ? PresenceState::online
                       : p.user == kBob ? PresenceState::idle
                                        : PresenceState::offline);
    EXPECT_EQ(p.last_seen_ms, p.user == kCat ? 1'234 : 0);
  }
  EXPECT_TRUE(frames(kAnn).empty());
}

TEST_F(PresenceTest, AnAccountThatMustBeReadAnswersWhenItIs) {
  accounts_[kCat.value].loaded = false;
  accounts_[kCat.value].last_present_ms = 7;
  const auto answer = ask(kAnn, {{kBob, kCat}, {}, {}});
  turn();
  EXPECT_FALSE(answer->told);
  accounts_[kCat.value].loaded = true;
  for (auto& waiter : std::exchange(accounts_[kCat.value].waiters, {})) waiter(7);
  turn();
  ASSERT_TRUE(answer->told);
  EXPECT_EQ(answer->presences.size(), 2U);
}

TEST_F(PresenceTest, TheMostPresentDeviceCounts) {
  join(kBob, PresenceState::offline);
  EXPECT_EQ(watch(kAnn, {kBob})[0].state, PresenceState::offline);
  join(kBob, PresenceState::idle, kLaptop);
  turn();
  EXPECT_EQ(only_update(kAnn).state, PresenceState::idle);
  run(2'000);
  set(kBob, PresenceState::online);
  turn();
  EXPECT_EQ(only_update(kAnn).state, PresenceState::online);
  run(2'000);
  leave(kBob);
  turn();
  EXPECT_EQ(only_update(kAnn).state, PresenceState::idle);
}

TEST_F(PresenceTest, LastSeenIsWhenTheUserWasPresentLast) {
  join(kBob);
  join(kBob, PresenceState::idle, kLaptop);
  watch(kAnn, {kBob});
  run(5'000);
  leave(kBob);
  const std::int64_t left_ms = clock_.wall_ms();
  run(100);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::idle);
  EXPECT_EQ(accounts_[kBob.value].last_present_ms, 0);
  run(5'000);
  set(kBob, PresenceState::offline, kLaptop);
  turn();
  const Presence gone = only_update(kAnn);
  EXPECT_EQ(gone.state, PresenceState::offline);
  EXPECT_EQ(gone.last_seen_ms, clock_.wall_ms());
  EXPECT_GT(gone.last_seen_ms, left_ms);
  EXPECT_EQ(accounts_[kBob.value].last_present_ms, gone.last_seen_ms);
  run(5'000);
  leave(kBob, kLaptop);
  run(5'000);
  EXPECT_TRUE(frames(kAnn).empty());
  EXPECT_EQ(accounts_[kBob.value].last_present_ms, gone.last_seen_ms);
}

TEST_F(PresenceTest, APresentUserIsNotedWithTheAccountWhenAsked) {
  join(kBob, PresenceState::offline);
  of(kBob).note_present(kBob);
  EXPECT_EQ(accounts_[kBob.value].last_present_ms, 0);
  set(kBob, PresenceState::idle);
  of(kBob).note_present(kBob);
  EXPECT_EQ(accounts_[kBob.value].last_present_ms, clock_.wall_ms());
}

TEST_F(PresenceTest, ADeviceThatIsNotHeardGoesOfflineAndComesBack) {
  join(kBob);
  watch(kAnn, {kBob});
  device(kAnn).heard_ms = 1LL << 60;
  run(30'000);
  device(kBob).heard_ms = clock_.steady_ms();
  const std::int64_t heard_ms = clock_.wall_ms();
  run(kTtlMs - 100);
  EXPECT_TRUE(frames(kAnn).empty());
  run(200);
  const Presence gone = only_update(kAnn);
  EXPECT_EQ(gone.state, PresenceState::offline);
  EXPECT_EQ(gone.last_seen_ms, heard_ms);
  EXPECT_EQ(metric("godwit_presence_expired_total"), 1);
  run(200'000, 1'000);
  EXPECT_TRUE(frames(kAnn).empty());
  device(kBob).heard_ms = clock_.steady_ms();
  of(kBob).heard(kBob, kPhone);
  turn();
  EXPECT_EQ(only_update(kAnn).state, PresenceState::online);
  run(kTtlMs + 100);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::offline);
}

TEST_F(PresenceTest, WhatAnExpiredDeviceSaysCountsWhenItIsHeardAgain) {
  join(kBob);
  watch(kAnn, {kBob});
  device(kAnn).heard_ms = 1LL << 60;
  run(kTtlMs + 100);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::offline);
  of(kBob).heard(kBob, kPhone);
  device(kBob).heard_ms = clock_.steady_ms();
  set(kBob, PresenceState::idle);
  run(2'000);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::idle);
}

TEST_F(PresenceTest, TheFirstChangeGoesAtOnceAndTheNewestWhenTheIntervalIsOver) {
  join(kBob);
  watch(kAnn, {kBob});
  set(kBob, PresenceState::idle);
  turn();
  EXPECT_EQ(only_update(kAnn).state, PresenceState::idle);
  run(500);
  set(kBob, PresenceState::online);
  run(500);
  set(kBob, PresenceState::idle);
  run(500);
  set(kBob, PresenceState::online);
  EXPECT_TRUE(frames(kAnn).empty());
  run(500);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::online);
}

TEST_F(PresenceTest, NothingGoesWhenItIsAgainWhatWasPublished) {
  join(kBob);
  watch(kAnn, {kBob});
  set(kBob, PresenceState::idle);
  turn();
  frames(kAnn);
  set(kBob, PresenceState::online);
  run(100);
  set(kBob, PresenceState::idle);
  run(10'000);
  EXPECT_TRUE(frames(kAnn).empty());
  // Within one turn as well: a device that comes back at once.
  leave(kBob);
  join(kBob, PresenceState::idle);
  run(10'000);
  EXPECT_TRUE(frames(kAnn).empty());
}

TEST_F(PresenceTest, AFlappingPhoneCostsOneUpdateInAnInterval) {
  join(kBob);
  watch(kAnn, {kBob});
  for (int i = 0; i < 200; ++i) {
    leave(kBob);
    run(50);
    join(kBob);
    run(50);
  }
  EXPECT_LE(frames(kAnn).size(), 11U);
  run(4'000);
  frames(kAnn);
  EXPECT_EQ(watch(kAnn, {kBob})[0].state, PresenceState::online);
  EXPECT_GT(metric("godwit_presence_coalesced_total"), 100);
}

TEST_F(PresenceTest, UpdatesToOneDeviceAreGathered) {
  std::vector<UserId> many;
  for (std::uint64_t i = 0; i < 100; ++i) many.push_back(UserId(10'001 + 2 * i));
  for (const UserId user : many) join(user);
  watch(kAnn, many);
  for (const UserId user : many) {
    set(user, PresenceState::idle);
    run(10, 10);
  }
  run(4'000);
  const auto got = frames(kAnn);
  EXPECT_LE(got.size(), 3U);
  std::size_t updates = 0;
  for (const auto& frame : got) updates += frame.size();
  EXPECT_EQ(updates, 100U);
}

TEST_F(PresenceTest, ASlowDeviceGetsTheNewestWhenItReadsAgain) {
  join(kBob);
  watch(kAnn, {kBob});
  device(kAnn).congested = true;
  set(kBob, PresenceState::idle);
  run(5'000);
  leave(kBob);
  run(5'000);
  EXPECT_TRUE(frames(kAnn).empty());
  device(kAnn).congested = false;
  run(2'000);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::offline);
}

TEST_F(PresenceTest, AnAnswerIsNotOvertakenByOlderOrNewerNews) {
  join(kBob);
  watch(kAnn, {kBob});
  set(kBob, PresenceState::idle);
  run(100);
  frames(kAnn);
  set(kBob, PresenceState::online);
  run(50);
  // Waits for an account, while Bob's news waits for the answer.
  accounts_[kCat.value].loaded = false;
  const auto first = ask(kAnn, {{kBob, kCat}, {}, {}});
  const auto second = ask(kAnn, {{kBob}, {}, {}});
  run(5'000);
  EXPECT_FALSE(first->told);
  EXPECT_FALSE(second->told);
  EXPECT_TRUE(frames(kAnn).empty());
  set(kBob, PresenceState::idle);
  run(5'000);
  accounts_[kCat.value].loaded = true;
  for (auto& waiter : std::exchange(accounts_[kCat.value].waiters, {})) waiter(0);
  turn();
  EXPECT_TRUE(first->told);
  EXPECT_TRUE(second->told);
  run(5'000);
  // Whatever came last is what it is.
  Presence last = second->presences.back();
  for (const auto& frame : frames(kAnn)) {
    for (const Presence& p : frame) {
      if (p.user == kBob) last = p;
    }
  }
  EXPECT_EQ(last.state, PresenceState::idle);
}

TEST_F(PresenceTest, RemovedUsersAreNotToldAnyMore) {
  join(kBob);
  watch(kAnn, {kBob, kCat});
  unwatch(kAnn, {kBob});
  set(kBob, PresenceState::idle);
  run(5'000);
  EXPECT_TRUE(frames(kAnn).empty());
  EXPECT_EQ(metric("godwit_presence_watched"), 1);
  // Removed and added in one request: watched.
  const auto answer = ask(kAnn, {{kBob}, {kBob}, {}});
  turn();
  ASSERT_EQ(answer->presences.size(), 1U);
  EXPECT_EQ(answer->presences[0].state, PresenceState::idle);
}

TEST_F(PresenceTest, NothingIsLeftOfADeviceThatWent) {
  join(kBob);
  watch(kAnn, {kBob, kCat});
  leave(kAnn);
  turn();
  EXPECT_EQ(metric("godwit_presence_watched"), 0);
  leave(kBob);
  run(10'000);
  for (const auto& service : services_) EXPECT_EQ(service->targets().size(), 0U);
  EXPECT_EQ(metric("godwit_presence_updates_total"), 0);
}

TEST_F(PresenceTest, ARequestOfADeviceThatWentIsForgotten) {
  accounts_[kCat.value].loaded = false;
  const auto answer = ask(kAnn, {{kCat}, {}, {}});
  turn();
  leave(kAnn);
  turn();
  accounts_[kCat.value].loaded = true;
  for (auto& waiter : std::exchange(accounts_[kCat.value].waiters, {})) waiter(0);
  turn();
  EXPECT_FALSE(answer->told);
  for (const auto& service : services_) EXPECT_EQ(service->targets().size(), 0U);
}

TEST_F(PresenceTest, MoreThanMayBeWatchedIsRefusedAsAWhole) {
  options_.max_watched = 3;
  start();
  join(kAnn);
  const auto users = [](std::initializer_list<std::uint64_t> ids) {
    std::vector<UserId> made;
    for (const std::uint64_t id : ids) made.push_back(UserId(id));
    return made;
  };
  EXPECT_EQ(ask(kAnn, {users({1, 3, 5, 7}), {}, {}})->code, Errc::too_large);
  EXPECT_EQ(ask(kAnn, {{}, users({1, 3, 5, 7}), {}})->code, Errc::too_large);
  watch(kAnn, users({1, 3}));
  EXPECT_EQ(ask(kAnn, {users({5, 7}), {}, {}})->code, Errc::too_large);
  EXPECT_EQ(metric("godwit_presence_watched"), 2);
  // Again is no error, and room that is made counts.
  EXPECT_EQ(watch(kAnn, users({3, 3, 5})).size(), 2U);
  const auto answer = ask(kAnn, {users({7, 9}), users({1, 3}), {}});
  turn();
  EXPECT_EQ(answer->code, Errc::ok);
  // Members fill what room is left, the smallest ids first; those watched already need none.
  const auto members = ask(kAnn, {{}, users({9}), users({11, 7, 5, 4, 6})});
  turn();
  std::set<std::uint64_t> found;
  for (const Presence& p : members->presences) found.insert(p.user.value);
  EXPECT_EQ(found, (std::set<std::uint64_t>{4, 5, 7}));
}

TEST_F(PresenceTest, TooManyRequestsAtOnceAreRefused) {
  accounts_[kCat.value].loaded = false;
  for (std::size_t i = 0; i < PresenceWatchers::kMaxOpen; ++i) EXPECT_FALSE(ask(kAnn, {{kCat}, {}, {}})->told);
  EXPECT_EQ(ask(kAnn, {{kBob}, {}, {}})->code, Errc::too_many_requests_open);
}

TEST_F(PresenceTest, AStormIsSpreadOverTimeAndEndsWithTheNewestState) {
  options_.updates_per_s = 1'000;
  std::vector<UserId> many;
  for (std::uint64_t i = 0; i < 10'000; ++i) many.push_back(UserId(100'001 + 2 * i));
  options_.max_watched = 10'000;
  start();
  join(kAnn);
  for (const UserId user : many) accounts_[user.value];
  watch(kAnn, many);
  for (const UserId user : many) join(user);
  double before = 0;
  std::map<std::uint64_t, PresenceState> told;
  for (int second = 0; second < 8; ++second) {
    device(kAnn).heard_ms = clock_.steady_ms();
    if (second == 2) {
      for (const UserId user : many) set(user, PresenceState::idle);
    }
    run(1'000);
    const double now = metric("godwit_presence_updates_total");
    // Two workers with 1,000 each, and what was saved up once.
    EXPECT_LE(now - before, 2'000 + (second == 0 ? 200 : 0));
    before = now;
    if (second == 0) {
      EXPECT_GT(metric("godwit_presence_waiting"), 5'000);
    }
    for (const auto& frame : frames(kAnn)) {
      for (const Presence& p : frame) told[p.user.value] = p.state;
    }
  }
  EXPECT_EQ(metric("godwit_presence_waiting"), 0);
  run(3'000);
  for (const auto& frame : frames(kAnn)) {
    for (const Presence& p : frame) told[p.user.value] = p.state;
  }
  EXPECT_EQ(told.size(), many.size());
  for (const auto& [user, state] : told) EXPECT_EQ(state, PresenceState::idle) << user;
}

TEST_F(PresenceTest, OneWhoIsWatchedByManyIsToldInSlices) {
  options_.updates_per_s = 1'000;
  start();
  join(kBob);
  std::vector<UserId> many;
  for (std::uint64_t i = 0; i < 3'000; ++i) many.push_back(UserId(100'001 + 2 * i));
  for (const UserId user : many) join(user);
  for (const UserId user : many) ask(user, {{kBob}, {}, {}});
  run(1'000);
  set(kBob, PresenceState::idle);
  turn();
  EXPECT_LE(metric("godwit_presence_updates_total"), 200);
  run(1'000);
  set(kBob, PresenceState::online);  // while it is under way: who has yet to be told is told the newest
  run(8'000);
  for (const UserId user : many) {
    for (const auto& frame : frames(user)) EXPECT_EQ(frame.size(), 1U);
  }
  EXPECT_LE(metric("godwit_presence_updates_total"), 6'000);
}

}  // namespace
}  // namespace godwit
