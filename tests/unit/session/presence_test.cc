// Presence and typing through sessions: what is wired to what.
#include "session_fixture.h"

namespace godwit {
namespace {

class PresenceRequestTest : public SessionTest {
 protected:
  void SetUp() override {
    shards_.presence.update_interval_ms = 20;
    shards_.presence.max_watched = 4;
    shards_.account.last_seen_interval_ms = 0;
    options_.typing = {1, 3};
    options_.typing_max_members = 3;
    SessionTest::SetUp();
    ann_ = &join("ann");
    bob_ = &join("bob");
  }

  v1::ServerFrame watch(Device& d, const std::vector<UserId>& users, const std::vector<std::string>& groups = {}) {
    v1::ClientFrame frame;
    frame.mutable_watch_presence();
    for (const UserId user : users) frame.mutable_watch_presence()->add_add(user.value);
    for (const std::string& group : groups) frame.mutable_watch_presence()->add_add_members_of(group);
    return request(d, frame);
  }
  v1::ServerFrame set(Device& d, v1::PresenceState state) {
    v1::ClientFrame frame;
    frame.mutable_set_presence()->set_state(state);
    return request(d, frame);
  }
  static v1::Presence only(const v1::ServerFrame& frame) {
    EXPECT_EQ(frame.presences().presences_size(), 1) << frame.ShortDebugString();
    return frame.presences().presences_size() == 1 ? frame.presences().presences(0) : v1::Presence();
  }
  v1::Presence news(Device& d) {
    const auto frame = await(d, [](const auto& f) { return f.has_presences() && f.request_id() == 0; });
    EXPECT_TRUE(frame);
    return frame ? only(*frame) : v1::Presence();
  }
  v1::ServerFrame type(Device& d, UserId peer, const std::string& chat = {}) {
    v1::ClientFrame frame;
    frame.mutable_typing()->set_peer(peer.value);
    frame.mutable_typing()->set_chat(chat);
    return request(d, frame);
  }
  bool typing_comes(Device& d) {
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    d.link->worker().post([&d] { d.link->flush(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return d.link->take([](const auto& f) { return f.has_typing_notice(); }).has_value();
  }
  void hide_online(Device& d) {
    v1::ClientFrame frame;
    frame.mutable_set_privacy()->mutable_online()->set_audience(v1::NOBODY);
    EXPECT_TRUE(request(d, frame).has_privacy());
  }
  v1::ServerFrame block(Device& d, UserId user) {
    v1::ClientFrame frame;
    frame.mutable_block()->set_user_id(user.value);
    return request(d, frame);
  }
  std::string group_of(Device& maker, const std::vector<UserId>& members) {
    v1::ClientFrame frame;
    auto& asked = *frame.mutable_create_group();
    asked.set_id(make_message_id(clock_.wall_ms()).str());
    asked.set_name("friends");
    for (const UserId user : members) asked.add_members(user.value);
    return request(maker, frame).group_changed().chat();
  }

  Device* ann_ = nullptr;
  Device* bob_ = nullptr;
};

TEST_F(PresenceRequestTest, A_watcher_sees_another_come_and_go) {
  EXPECT_EQ(only(watch(*ann_, {bob_->user})).state(), v1::ONLINE);
  EXPECT_TRUE(set(*bob_, v1::IDLE).has_done());
  EXPECT_EQ(news(*ann_).state(), v1::IDLE);
  const std::int64_t before = clock_.wall_ms();
  drop(*bob_);
  const v1::Presence gone = news(*ann_);
  EXPECT_EQ(gone.state(), v1::OFFLINE);
  EXPECT_GE(gone.last_seen_ms(), before);
  open(*bob_);
  EXPECT_EQ(hello(*bob_).welcome().presence_ttl_s(), 360U);
  EXPECT_EQ(news(*ann_).state(), v1::ONLINE);
  EXPECT_EQ(code(set(*bob_, v1::PRESENCE_HIDDEN)), v1::invalid_argument);
  EXPECT_EQ(code(set(*bob_, static_cast<v1::PresenceState>(9))), v1::invalid_argument);
}

TEST_F(PresenceRequestTest, Last_seen_survives_a_restart) {
  const UserId bob = bob_->user;
  drop(*bob_);
  const std::int64_t seen = only(watch(*ann_, {bob_->user})).last_seen_ms();
  EXPECT_GT(seen, 0);
  ASSERT_TRUE(checkpointer_->run_once());
  restart();
  Device& cat = join("cat");
  EXPECT_EQ(only(watch(cat, {bob})).last_seen_ms(), seen);
}

TEST_F(PresenceRequestTest, Blocks_and_privacy_hide_either_way_at_once) {
  watch(*ann_, {bob_->user});
  watch(*bob_, {ann_->user});
  EXPECT_TRUE(block(*bob_, ann_->user).has_done());
  EXPECT_EQ(news(*ann_).state(), v1::PRESENCE_HIDDEN);
  EXPECT_EQ(news(*bob_).state(), v1::PRESENCE_HIDDEN);
  Device& cat = join("cat");
  EXPECT_EQ(only(watch(cat, {ann_->user})).state(), v1::ONLINE);
  hide_online(cat);
  EXPECT_EQ(news(cat).state(), v1::PRESENCE_HIDDEN);
  EXPECT_EQ(only(watch(*ann_, {cat.user})).state(), v1::PRESENCE_HIDDEN);
  EXPECT_EQ(only(watch(*ann_, {UserId(77)})).state(), v1::PRESENCE_HIDDEN);
}

TEST_F(PresenceRequestTest, Members_of_groups_are_watched_into_the_room_left) {
  Device& cat = join("cat");
  const std::string group = group_of(*ann_, {bob_->user, cat.user});
  EXPECT_EQ(watch(*ann_, {}, {group}).presences().presences_size(), 3);
  EXPECT_EQ(code(watch(cat, {}, {group, std::string(16, 'x')})), v1::chat_not_found);
  EXPECT_EQ(code(watch(cat, {}, {"short"})), v1::invalid_argument);
  EXPECT_EQ(code(watch(cat, {}, std::vector<std::string>(17, group))), v1::too_large);
  EXPECT_EQ(watch(cat, {UserId(1), UserId(3)}, {group, group}).presences().presences_size(), 4);
  EXPECT_EQ(code(watch(cat, {UserId(5), UserId(7), UserId(9), UserId(11), UserId(13)})), v1::too_large);
  Device& eve = join("eve");
  EXPECT_EQ(code(watch(eve, {}, {group})), v1::chat_not_found);
}

TEST_F(PresenceRequestTest, Typing_reaches_the_other_of_a_chat_that_exists) {
  EXPECT_EQ(code(type(*ann_, bob_->user)), v1::chat_not_found);
  EXPECT_EQ(code(type(*ann_, ann_->user)), v1::invalid_argument);
  EXPECT_EQ(code(type(*ann_, UserId())), v1::invalid_argument);
  request(*ann_, message(*bob_, "hi"));
  EXPECT_TRUE(type(*ann_, bob_->user).has_done());
  const auto notice = await(*bob_, [](const auto& f) { return f.has_typing_notice(); });
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->typing_notice().from(), ann_->user.value);
  EXPECT_EQ(notice->typing_notice().expires_ms(), 5'000U);
  EXPECT_TRUE(notice->typing_notice().chat().empty());
  EXPECT_TRUE(type(*ann_, bob_->user).has_done());
  EXPECT_TRUE(typing_comes(*bob_));
  // Three of a burst are spent.
  EXPECT_EQ(code(type(*ann_, bob_->user)), v1::rate_limited);
  v1::ClientFrame quiet;
  quiet.mutable_typing()->set_peer(ann_->user.value);
  input(*bob_, quiet);
  ASSERT_TRUE(await(*ann_, [](const auto& f) { return f.has_typing_notice(); }));
  EXPECT_FALSE(bob_->link->take([](const auto& f) { return f.has_done() && f.request_id() == 0; }));
}

TEST_F(PresenceRequestTest, Typing_is_not_told_to_whom_it_does_not_concern) {
  request(*ann_, message(*bob_, "hi"));
  EXPECT_TRUE(block(*bob_, ann_->user).has_done());
  EXPECT_TRUE(type(*ann_, bob_->user).has_done());
  EXPECT_FALSE(typing_comes(*bob_));
  Device& cat = join("cat");
  Device& dan = join("dan");
  const std::string direct = direct_chat_id(ann_->user, bob_->user).str();
  EXPECT_EQ(code(type(cat, UserId(), direct)), v1::chat_not_found);
  const std::string group = group_of(cat, {ann_->user, bob_->user});
  EXPECT_EQ(code(type(dan, UserId(), group)), v1::chat_not_found);
  EXPECT_TRUE(type(*bob_, UserId(), group).has_done());
  EXPECT_TRUE(typing_comes(cat));
  EXPECT_FALSE(typing_comes(*ann_));  // whom bob blocks
  EXPECT_FALSE(typing_comes(*bob_));
  hide_online(cat);
  EXPECT_TRUE(type(cat, UserId(), group).has_done());
  EXPECT_FALSE(typing_comes(*ann_));
  const std::string large = group_of(dan, {ann_->user, bob_->user, cat.user});
  EXPECT_TRUE(type(dan, UserId(), large).has_done());
  EXPECT_FALSE(typing_comes(cat));
}

TEST_F(PresenceRequestTest, A_silent_device_is_offline_until_it_is_heard) {
  options_.presence_ttl_s = 1;
  restart();
  Device& cat = join("cat");
  Device& dan = join("dan");
  watch(cat, {dan.user});
  EXPECT_EQ(news(cat).state(), v1::OFFLINE);
  v1::ClientFrame ping;
  ping.mutable_ping();
  EXPECT_TRUE(request(dan, ping).has_pong());
  EXPECT_EQ(news(cat).state(), v1::ONLINE);
}

}  // namespace
}  // namespace godwit
