// Who may see whom, and what happens when that changes.
#include "presence_fixture.h"

namespace godwit {
namespace {

constexpr UserId kNobody{999};

class VisibilityTest : public PresenceFixture {
 protected:
  void SetUp() override {
    start();
    join(kAnn);
    join(kBob);
    turn();
  }
  void changed(UserId user) { of(user).account_changed(user); }
};

TEST_F(VisibilityTest, WhoMayNotKnowCannotTellItFromNobody) {
  accounts_[kBob.value].hides_online_from = {kAnn.value};
  const auto found = watch(kAnn, {kBob, kNobody});
  ASSERT_EQ(found.size(), 2U);
  for (const Presence& p : found) {
    EXPECT_EQ(p.state, PresenceState::hidden);
    EXPECT_EQ(p.last_seen_ms, 0);
  }
  set(kBob, PresenceState::idle);
  run(3'000);
  leave(kBob);
  run(3'000);
  EXPECT_TRUE(frames(kAnn).empty());
}

TEST_F(VisibilityTest, WhoHidesDoesNotSee) {
  accounts_[kAnn.value].hides_online_from = {kBob.value};
  EXPECT_EQ(watch(kAnn, {kBob})[0].state, PresenceState::hidden);
  EXPECT_EQ(watch(kBob, {kAnn})[0].state, PresenceState::hidden);
}

TEST_F(VisibilityTest, LastSeenIsHiddenByItselfEitherWay) {
  for (const UserId hides : {kAnn, kBob}) {
    accounts_[kAnn.value] = {};
    accounts_[kBob.value] = {};
    accounts_[hides.value].hides_last_seen_from = {kAnn.value, kBob.value};
    EXPECT_EQ(watch(kAnn, {kBob})[0].state, PresenceState::online);
    leave(kBob);
    run(3'000);
    const Presence gone = only_update(kAnn);
    EXPECT_EQ(gone.state, PresenceState::offline);
    EXPECT_EQ(gone.last_seen_ms, 0);
    EXPECT_EQ(watch(kAnn, {kBob})[0].last_seen_ms, 0);
    unwatch(kAnn, {kBob});
    join(kBob);
    run(3'000);
  }
}

TEST_F(VisibilityTest, ATargetThatHidesBecomesHiddenAndComesBack) {
  watch(kAnn, {kBob});
  accounts_[kBob.value].hides_online_from = {kAnn.value};
  changed(kBob);
  turn();
  EXPECT_EQ(only_update(kAnn).state, PresenceState::hidden);
  set(kBob, PresenceState::idle);
  run(3'000);
  EXPECT_TRUE(frames(kAnn).empty());
  accounts_[kBob.value].hides_online_from.clear();
  changed(kBob);
  run(3'000);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::idle);
}

TEST_F(VisibilityTest, AWatcherThatHidesSeesNoMore) {
  watch(kAnn, {kBob});
  watch(kBob, {kAnn});
  accounts_[kAnn.value].hides_online_from = {kBob.value};
  changed(kAnn);
  run(100);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::hidden);
  EXPECT_EQ(only_update(kBob).state, PresenceState::hidden);
  set(kBob, PresenceState::idle);
  run(3'000);
  EXPECT_TRUE(frames(kAnn).empty());
  accounts_[kAnn.value].hides_online_from.clear();
  changed(kAnn);
  run(3'000);
  EXPECT_EQ(only_update(kAnn).state, PresenceState::idle);
  EXPECT_EQ(only_update(kBob).state, PresenceState::online);
}

TEST_F(VisibilityTest, AChangeThatWaitsLeaksNothingMeanwhile) {
  watch(kAnn, {kBob});
  set(kBob, PresenceState::idle);
  turn();
  EXPECT_EQ(only_update(kAnn).state, PresenceState::idle);
  // Within the interval: hidden, then there again. What goes out is judged by what holds then.
  run(100);
  accounts_[kBob.value].hides_online_from = {kAnn.value};
  changed(kBob);
  set(kBob, PresenceState::online);
  EXPECT_EQ(watch(kAnn, {kBob})[0].state, PresenceState::hidden);
  run(3'000);
  for (const auto& frame : frames(kAnn)) {
    for (const Presence& p : frame) EXPECT_EQ(p.state, PresenceState::hidden);
  }
}

TEST_F(VisibilityTest, ADeletedAccountIsHidden) {
  watch(kAnn, {kBob});
  leave(kBob);
  accounts_.erase(kBob.value);
  changed(kBob);
  run(3'000);
  const auto got = frames(kAnn);
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back().back().state, PresenceState::hidden);
  EXPECT_EQ(watch(kAnn, {kBob})[0].state, PresenceState::hidden);
}

TEST_F(VisibilityTest, AnAccountThatIsNotInMemoryIsReadBeforeAnythingIsTold) {
  leave(kBob);
  run(3'000);
  watch(kAnn, {kBob});
  frames(kAnn);
  AccountInfo& bob = accounts_[kBob.value];
  bob.hides_online_from = {kAnn.value};
  bob.loaded = false;
  changed(kBob);
  run(3'000);
  EXPECT_TRUE(frames(kAnn).empty());
  bob.loaded = true;
  for (auto& waiter : std::exchange(bob.waiters, {})) waiter(0);
  turn();
  EXPECT_EQ(only_update(kAnn).state, PresenceState::hidden);
}

TEST_F(VisibilityTest, ManyChangesOfAnAccountAreCheckedOnceInAnInterval) {
  watch(kAnn, {kBob});
  for (int i = 0; i < 400; ++i) {
    auto& hides = accounts_[kAnn.value].hides_online_from;
    hides.empty() ? (void)hides.insert(kBob.value) : hides.clear();
    changed(kAnn);
    run(10, 10);
  }
  EXPECT_LE(frames(kAnn).size(), 3U);
  run(3'000);
  EXPECT_EQ(watch(kAnn, {kBob})[0].state, PresenceState::online);
}

}  // namespace
}  // namespace godwit
