// Statuses as clients see them, over two workers, a real journal and a real store.
#include <set>

#include "session_fixture.h"

namespace godwit {
namespace {

using Ids = std::vector<std::string>;

class StatusTest : public SessionTest {
 protected:
  StatusTest() {
    shards_.status.view_interval_ms = 20;
    shards_.status.user.max_live_posts = 20;
  }

  void befriend(Device& d, const std::vector<UserId>& users) {
    for (std::size_t begin = 0; begin < users.size(); begin += 1'000) {
      v1::ClientFrame frame;
      for (std::size_t i = begin; i < std::min(begin + 1'000, users.size()); ++i) {
        frame.mutable_change_contacts()->add_add()->set_user_id(users[i].value);
      }
      ASSERT_TRUE(request(d, frame).has_done());
    }
  }
  void friends(Device& a, Device& b) {
    befriend(a, {b.user});
    befriend(b, {a.user});
  }

  std::string new_id() { return make_message_id(clock_.wall_ms()).str(); }
  v1::ServerFrame post(Device& d, const std::string& id, const std::string& payload = "text",
                       v1::StatusAudience audience = v1::STATUS_AS_SET, const std::vector<UserId>& users = {}) {
    v1::ClientFrame frame;
    auto& asked = *frame.mutable_post_status();
    asked.set_id(id);
    asked.set_payload(payload);
    asked.set_audience(audience);
    for (const UserId user : users) asked.add_users(user.value);
    return request(d, frame);
  }
  v1::ServerFrame list(Device& d, bool with_muted = false) {
    v1::ClientFrame frame;
    frame.mutable_list_statuses()->set_with_muted(with_muted);
    return request(d, frame);
  }
  Ids listed(Device& d, bool with_muted = false) {
    Ids ids;
    const v1::ServerFrame reply = list(d, with_muted);
    for (const auto& ref : reply.status_feed().statuses()) ids.push_back(ref.id());
    return ids;
  }
  v1::ServerFrame get(Device& d, UserId author, const std::string& id) {
    v1::ClientFrame frame;
    frame.mutable_get_status()->set_author(author.value);
    frame.mutable_get_status()->set_id(id);
    return request(d, frame);
  }
  v1::ServerFrame view(Device& d, UserId author, const std::string& id) {
    v1::ClientFrame frame;
    frame.mutable_view_status()->set_author(author.value);
    frame.mutable_view_status()->set_id(id);
    return request(d, frame);
  }
  v1::ServerFrame remove(Device& d, const std::string& id) {
    v1::ClientFrame frame;
    frame.mutable_remove_status()->set_id(id);
    return request(d, frame);
  }
  v1::ServerFrame mute(Device& d, UserId author, bool lift = false) {
    v1::ClientFrame frame;
    frame.mutable_mute_status()->set_author(author.value);
    frame.mutable_mute_status()->set_lift(lift);
    return request(d, frame);
  }
  v1::ServerFrame block(Device& d, UserId user, bool lift = false) {
    v1::ClientFrame frame;
    frame.mutable_block()->set_user_id(user.value);
    frame.mutable_block()->set_lift(lift);
    return request(d, frame);
  }
  v1::StatusViews views(Device& d, const std::string& id, UserId after = {}, std::uint32_t limit = 0) {
    v1::ClientFrame frame;
    frame.mutable_list_status_views()->set_id(id);
    frame.mutable_list_status_views()->set_after(after.value);
    frame.mutable_list_status_views()->set_limit(limit);
    return request(d, frame).status_views();
  }
  v1::OwnStatuses own(Device& d) {
    v1::ClientFrame frame;
    frame.mutable_list_own_statuses();
    return request(d, frame).own_statuses();
  }
  void hide_receipts(Device& d, bool hide) {
    v1::ClientFrame frame;
    frame.mutable_set_privacy()->set_hide_read_receipts(hide);
    ASSERT_TRUE(request(d, frame).has_privacy());
  }

  std::optional<v1::StatusNews> news(Device& d) {
    const auto frame = await(d, [](const auto& f) { return f.has_status_news(); });
    return frame ? std::optional(frame->status_news()) : std::nullopt;
  }
  // Nothing was pushed to the device, whose request just before was answered after anything that might have been.
  bool no_news(Device& d) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    v1::ClientFrame ping;
    ping.mutable_ping();
    request(d, ping);
    return !d.link->take([](const auto& f) { return f.has_status_news(); });
  }
  bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  // The same account after a restart.
  Device& back(Device& before) {
    Device& d = connect();
    d.key = std::move(before.key);
    d.token = before.token;
    d.user = before.user;
    d.id = before.id;
    EXPECT_TRUE(hello(d).has_welcome());
    return d;
  }
  // What of a device outlives the server.
  struct Kept {
    explicit Kept(Device& d) : device{nullptr, nullptr, std::move(d.key), d.nonce, d.token, d.user, d.id, 1} {}
    Device device;
  };
};

TEST_F(StatusTest, A_status_is_told_listed_opened_and_seen) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  friends(ann, bob);
  const std::string id = new_id();
  const auto posted = post(ann, id, "hello");
  ASSERT_TRUE(posted.has_status_posted()) << posted.ShortDebugString();
  EXPECT_EQ(posted.status_posted().viewers(), 1u);
  EXPECT_EQ(posted.status_posted().expires_ms() - posted.status_posted().posted_ms(), 24 * 3'600'000);
  const auto told = news(bob);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->ref().id(), id);
  EXPECT_EQ(told->ref().author(), ann.user.value);
  EXPECT_EQ(told->ref().expires_ms(), posted.status_posted().expires_ms());
  EXPECT_FALSE(told->removed());
  ASSERT_TRUE(news(ann)) << "the author's own devices are told, too";
  EXPECT_EQ(list(bob).status_feed().unseen(), 1u);
  const auto opened = get(bob, ann.user, id);
  ASSERT_TRUE(opened.has_status()) << opened.ShortDebugString();
  EXPECT_EQ(opened.status().payload(), "hello");
  EXPECT_EQ(opened.status().from_device(), 1u);
  ASSERT_TRUE(checkpointer_->run_once());
  EXPECT_EQ(get(bob, ann.user, id).status().payload(), "hello") << "from the store";
  EXPECT_EQ(get(ann, ann.user, id).status().payload(), "hello");
  EXPECT_TRUE(view(bob, ann.user, id).has_done());
  EXPECT_TRUE(view(bob, ann.user, id).has_done());
  const auto count = await(ann, [](const auto& f) { return f.has_status_view_count(); });
  ASSERT_TRUE(count);
  EXPECT_EQ(count->status_view_count().count(), 1u);
  const v1::StatusFeed feed = list(bob).status_feed();
  EXPECT_EQ(feed.unseen(), 0u);
  EXPECT_TRUE(feed.statuses(0).seen());
  EXPECT_EQ(views(ann, id).count(), 1u);
  EXPECT_EQ(views(ann, id).views(0).user_id(), bob.user.value);
  EXPECT_EQ(own(ann).statuses(0).views(), 1u);
}

TEST_F(StatusTest, The_same_again_is_answered_the_same_and_posts_nothing) {
  Device* ann = &join("ann");
  Device& bob = join("bob");
  friends(*ann, bob);
  const std::string id = new_id();
  const auto first = post(*ann, id);
  EXPECT_EQ(post(*ann, id, "another").status_posted().posted_ms(), first.status_posted().posted_ms());
  EXPECT_EQ(own(*ann).statuses_size(), 1);
  // All at once, before the first is committed.
  const std::string other = new_id();
  v1::ClientFrame frame;
  frame.mutable_post_status()->set_id(other);
  frame.mutable_post_status()->set_payload("x");
  for (std::uint64_t n = 500; n < 505; ++n) {
    frame.set_request_id(n);
    input(*ann, frame);
  }
  std::set<std::int64_t> times;
  for (std::uint64_t n = 500; n < 505; ++n) {
    const auto reply = await(*ann, [n](const auto& f) { return f.request_id() == n; });
    ASSERT_TRUE(reply && reply->has_status_posted());
    times.insert(reply->status_posted().posted_ms());
  }
  EXPECT_EQ(times.size(), 1u);
  EXPECT_EQ(own(*ann).statuses_size(), 2);
  for (const bool stored : {false, true}) {
    if (stored) {
      ASSERT_TRUE(checkpointer_->run_once());
    }
    Kept kept(*ann);
    restart();
    ann = &back(kept.device);
    EXPECT_EQ(post(*ann, id).status_posted().posted_ms(), first.status_posted().posted_ms());
    EXPECT_EQ(own(*ann).statuses_size(), 2);
  }
}

TEST_F(StatusTest, Bad_posts_are_refused) {
  Device& ann = join("ann");
  EXPECT_EQ(code(post(ann, new_id())), v1::audience_empty);
  Device& bob = join("bob");
  friends(ann, bob);
  EXPECT_EQ(code(post(ann, "short")), v1::message_id_invalid);
  EXPECT_EQ(code(post(ann, std::string(16, 'x'))), v1::message_id_invalid);
  EXPECT_EQ(code(post(ann, make_message_id(clock_.wall_ms() - 3'600'000).str())), v1::message_id_expired);
  EXPECT_EQ(code(post(ann, make_message_id(clock_.wall_ms() + 3'600'000).str())), v1::message_id_expired);
  EXPECT_EQ(code(post(ann, new_id(), "")), v1::invalid_argument);
  EXPECT_EQ(code(post(ann, new_id(), std::string(16'385, 'x'))), v1::too_large);
  EXPECT_EQ(code(post(ann, new_id(), "x", v1::STATUS_ONLY, std::vector<UserId>(10'001, bob.user))), v1::too_large);
  EXPECT_EQ(code(post(ann, new_id(), "x", static_cast<v1::StatusAudience>(9))), v1::invalid_argument);
  EXPECT_EQ(code(post(ann, new_id(), "x", v1::STATUS_ONLY, {ann.user, UserId(5)})), v1::audience_empty);
  EXPECT_EQ(code(post(ann, new_id(), "x", v1::STATUS_EXCEPT, {bob.user})), v1::audience_empty);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  EXPECT_EQ(code(post(ann, new_id())), v1::too_large) << "as many live ones as allowed";
  v1::ClientFrame frame;
  frame.mutable_list_statuses()->set_after("nonsense");
  EXPECT_EQ(code(request(ann, frame)), v1::invalid_argument);
  EXPECT_EQ(code(mute(ann, ann.user)), v1::invalid_argument);
  EXPECT_EQ(code(mute(ann, UserId())), v1::invalid_argument);
  EXPECT_TRUE(listed(bob).size() == 20);
}

TEST_F(StatusTest, A_day_has_so_many_posts) {
  shards_.status.posts_per_day = 3;
  restart();
  Device& ann = join("ann");
  Device& bob = join("bob");
  friends(ann, bob);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  const auto refused = post(ann, new_id());
  EXPECT_EQ(code(refused), v1::rate_limited);
  EXPECT_GT(refused.error().retry_after_ms(), 0u);
}

TEST_F(StatusTest, What_one_may_not_see_looks_like_what_there_is_not) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  Device& eve = join("eve");
  friends(ann, bob);
  const std::string id = new_id();
  ASSERT_TRUE(post(ann, id).has_status_posted());
  auto hidden = get(eve, ann.user, id);
  auto unknown = get(eve, ann.user, new_id());
  auto nobody = get(eve, UserId(12'345), id);
  EXPECT_EQ(code(hidden), v1::status_not_found);
  for (auto* one : {&hidden, &unknown, &nobody}) one->set_request_id(0);
  EXPECT_EQ(hidden.SerializeAsString(), unknown.SerializeAsString());
  EXPECT_EQ(hidden.SerializeAsString(), nobody.SerializeAsString());
  EXPECT_EQ(code(view(eve, ann.user, id)), v1::status_not_found);
  EXPECT_EQ(code(remove(bob, id)), v1::status_not_found);
  v1::ClientFrame frame;
  frame.mutable_list_status_views()->set_id(id);
  EXPECT_EQ(code(request(bob, frame)), v1::status_not_found);
  EXPECT_EQ(views(ann, id).count(), 0u);
  // Whom the viewer blocks is not there, and is again when that is lifted.
  ASSERT_TRUE(block(bob, ann.user).has_done());
  EXPECT_EQ(code(get(bob, ann.user, id)), v1::status_not_found);
  EXPECT_EQ(code(view(bob, ann.user, id)), v1::status_not_found);
  EXPECT_TRUE(listed(bob).empty());
  ASSERT_TRUE(block(bob, ann.user, true).has_done());
  EXPECT_EQ(listed(bob), (Ids{id}));
}

TEST_F(StatusTest, Statuses_of_strangers_are_neither_told_nor_listed) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  befriend(ann, {bob.user});
  const std::string id = new_id();
  ASSERT_TRUE(post(ann, id).has_status_posted());
  EXPECT_TRUE(no_news(bob));
  EXPECT_TRUE(listed(bob).empty());
  befriend(bob, {ann.user});
  EXPECT_EQ(listed(bob), (Ids{id}));
}

TEST_F(StatusTest, Removal_takes_a_status_from_everybody) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  friends(ann, bob);
  for (const bool stored : {false, true}) {
    const std::string id = new_id();
    ASSERT_TRUE(post(ann, id).has_status_posted());
    ASSERT_TRUE(news(bob));
    ASSERT_TRUE(view(bob, ann.user, id).has_done());
    if (stored) {
      ASSERT_TRUE(checkpointer_->run_once());
    }
    EXPECT_TRUE(remove(ann, id).has_done());
    const auto told = news(bob);
    ASSERT_TRUE(told);
    EXPECT_TRUE(told->removed());
    EXPECT_EQ(told->ref().id(), id);
    EXPECT_TRUE(listed(bob).empty());
    EXPECT_EQ(code(get(bob, ann.user, id)), v1::status_not_found);
    EXPECT_EQ(code(get(ann, ann.user, id)), v1::status_not_found);
    EXPECT_EQ(code(remove(ann, id)), v1::status_not_found);
    EXPECT_EQ(own(ann).statuses_size(), 0);
    EXPECT_TRUE(post(ann, id).has_status_posted()) << "a repetition, which posts nothing";
    EXPECT_EQ(own(ann).statuses_size(), 0);
  }
  ASSERT_TRUE(checkpointer_->run_once());
  for (const Column column : {Column::status, Column::status_feed, Column::status_view}) {
    store_->scan(column, "", "", false, [&](std::string_view, std::string_view) {
      ADD_FAILURE() << "something is left in column " << static_cast<int>(column);
      return true;
    });
  }
}

TEST_F(StatusTest, A_muted_author_is_not_told_of_and_listed_only_when_asked_for) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  friends(ann, bob);
  ASSERT_TRUE(mute(bob, ann.user).has_done());
  ASSERT_TRUE(mute(bob, ann.user).has_done());
  const std::string id = new_id();
  ASSERT_TRUE(post(ann, id).has_status_posted());
  EXPECT_TRUE(no_news(bob));
  EXPECT_TRUE(listed(bob).empty());
  EXPECT_EQ(listed(bob, true), (Ids{id}));
  ASSERT_TRUE(mute(bob, ann.user, true).has_done());
  EXPECT_EQ(listed(bob), (Ids{id}));
  ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  EXPECT_TRUE(news(bob));
}

TEST_F(StatusTest, Whom_the_author_blocks_loses_what_there_is) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  Device& cat = join("cat");
  Device& dan = join("dan");
  friends(ann, bob);
  friends(ann, cat);
  befriend(dan, {ann.user});
  const std::string id = new_id();
  ASSERT_TRUE(post(ann, id).has_status_posted());
  ASSERT_TRUE(news(bob));
  ASSERT_TRUE(block(ann, bob.user).has_done());
  ASSERT_TRUE(block(ann, dan.user).has_done());
  EXPECT_EQ(code(get(bob, ann.user, id)), v1::status_not_found);
  const auto told = news(bob);
  ASSERT_TRUE(told);
  EXPECT_TRUE(told->removed());
  EXPECT_TRUE(told->ref().id().empty());
  EXPECT_TRUE(listed(bob).empty());
  EXPECT_TRUE(no_news(dan)) << "who had nothing learns nothing";
  EXPECT_EQ(listed(cat), (Ids{id}));
  EXPECT_EQ(own(ann).statuses_size(), 1);
  ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  EXPECT_TRUE(no_news(bob));
  ASSERT_TRUE(block(ann, bob.user, true).has_done());
  EXPECT_TRUE(listed(bob).empty()) << "what was taken does not come back";
}

TEST_F(StatusTest, Who_hides_receipts_is_not_shown_and_is_not_told) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  Device& cat = join("cat");
  friends(ann, bob);
  friends(ann, cat);
  const std::string id = new_id();
  ASSERT_TRUE(post(ann, id).has_status_posted());
  hide_receipts(bob, true);
  ASSERT_TRUE(view(bob, ann.user, id).has_done());
  EXPECT_TRUE(list(bob).status_feed().statuses(0).seen());
  EXPECT_EQ(views(ann, id).count(), 0u);
  hide_receipts(ann, true);
  ASSERT_TRUE(view(cat, ann.user, id).has_done());
  EXPECT_EQ(views(ann, id).count(), 0u);
  EXPECT_EQ(views(ann, id).views_size(), 0);
  EXPECT_EQ(own(ann).statuses(0).views(), 0u);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(ann.link->take([](const auto& f) { return f.has_status_view_count(); }));
  hide_receipts(ann, false);
  EXPECT_EQ(views(ann, id).count(), 1u);
  EXPECT_EQ(views(ann, id).views(0).user_id(), cat.user.value);
}

TEST_F(StatusTest, Views_come_page_by_page_from_memory_and_store) {
  Device& ann = join("ann");
  std::vector<Device*> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(&join("user" + std::to_string(i)));
    friends(ann, *others.back());
  }
  const std::string id = new_id();
  ASSERT_TRUE(post(ann, id).has_status_posted());
  std::set<std::uint64_t> expected;
  for (std::size_t i = 0; i < others.size(); ++i) {
    ASSERT_TRUE(view(*others[i], ann.user, id).has_done());
    expected.insert(others[i]->user.value);
    if (i == 2) {
      ASSERT_TRUE(checkpointer_->run_once());
    }
  }
  std::vector<std::uint64_t> found;
  for (bool more = true; more;) {
    const v1::StatusViews page = views(ann, id, UserId(found.empty() ? 0 : found.back()), 2);
    EXPECT_EQ(page.count(), 5u);
    EXPECT_LE(page.views_size(), 2);
    for (const auto& one : page.views()) found.push_back(one.user_id());
    more = page.more();
    ASSERT_LE(found.size(), 5u);
  }
  EXPECT_EQ(found, std::vector<std::uint64_t>(expected.begin(), expected.end()));
}

TEST_F(StatusTest, Views_are_told_at_most_once_per_interval) {
  shards_.status.view_interval_ms = 300;
  restart();
  Device& ann = join("ann");
  std::vector<Device*> others;
  for (int i = 0; i < 6; ++i) {
    others.push_back(&join("user" + std::to_string(i)));
    friends(ann, *others.back());
  }
  const std::string id = new_id();
  ASSERT_TRUE(post(ann, id).has_status_posted());
  for (Device* other : others) ASSERT_TRUE(view(*other, ann.user, id).has_done());
  std::vector<std::uint32_t> counts;
  while (counts.empty() || counts.back() < 6) {
    const auto frame = await(ann, [](const auto& f) { return f.has_status_view_count(); });
    ASSERT_TRUE(frame);
    counts.push_back(frame->status_view_count().count());
  }
  EXPECT_EQ(counts.front(), 1u);
  EXPECT_LE(counts.size(), 4u);
}

TEST_F(StatusTest, Feeds_survive_restarts_with_and_without_a_checkpoint) {
  Device* ann = &join("ann");
  Device* bob = &join("bob");
  friends(*ann, *bob);
  const std::string seen = new_id();
  const std::string unseen = new_id();
  ASSERT_TRUE(post(*ann, seen, "one").has_status_posted());
  ASSERT_TRUE(post(*ann, unseen, "two").has_status_posted());
  ASSERT_TRUE(view(*bob, ann->user, seen).has_done());
  for (const bool stored : {false, true}) {
    if (stored) {
      ASSERT_TRUE(checkpointer_->run_once());
    }
    Kept kept_ann(*ann);
    Kept kept_bob(*bob);
    restart();
    ann = &back(kept_ann.device);
    bob = &back(kept_bob.device);
    EXPECT_EQ(listed(*bob), (Ids{unseen, seen}));
    EXPECT_EQ(list(*bob).status_feed().unseen(), 1u);
    EXPECT_EQ(get(*bob, ann->user, unseen).status().payload(), "two");
    EXPECT_EQ(views(*ann, seen).count(), 1u);
    EXPECT_EQ(own(*ann).statuses_size(), 2);
  }
}

TEST_F(StatusTest, A_block_takes_effect_though_the_server_ended_at_once) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  friends(ann, bob);
  ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  ASSERT_TRUE(block(ann, bob.user).has_done());
  Kept kept(bob);
  restart();
  Device& again = back(kept.device);
  EXPECT_TRUE(eventually([&] { return listed(again).empty(); }));
}

TEST_F(StatusTest, Deleting_the_account_removes_its_statuses_everywhere) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  friends(ann, bob);
  ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  ASSERT_TRUE(checkpointer_->run_once());
  ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  ASSERT_EQ(listed(bob).size(), 2u);
  v1::ClientFrame frame;
  frame.mutable_delete_account()->set_signature(ann.key.sign(auth::delete_account_input(ann.nonce, ann.user)));
  ASSERT_TRUE(request(ann, frame).has_done());
  EXPECT_TRUE(listed(bob).empty());
  ASSERT_TRUE(checkpointer_->run_once());
  std::size_t left = 0;
  store_->scan(Column::status, "", "", false, [&](std::string_view, std::string_view) { return ++left != 0; });
  EXPECT_EQ(left, 0u);
}

TEST_F(StatusTest, A_post_to_thousands_reaches_all_and_what_follows_is_in_order) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  std::vector<UserId> many;
  for (std::uint64_t n = 1; n <= 5'000; ++n) many.push_back(UserId(n * 0x9E3779B97F4A7C15ULL));
  befriend(ann, many);
  friends(ann, bob);
  const std::string first = new_id();
  const std::string second = new_id();
  const auto began = std::chrono::steady_clock::now();
  const auto posted = post(ann, first);
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  EXPECT_EQ(posted.status_posted().viewers(), 5'001u);
  RecordProperty("milliseconds", static_cast<int>(taken.count()));
  EXPECT_EQ(listed(bob), (Ids{first})) << "told as soon as the author knows, though slices are under way";
  ASSERT_TRUE(post(ann, second).has_status_posted());
  ASSERT_TRUE(view(bob, ann.user, second).has_done());
  ASSERT_TRUE(remove(ann, first).has_done());
  const v1::StatusFeed feed = list(bob).status_feed();
  ASSERT_EQ(feed.statuses_size(), 1);
  EXPECT_EQ(feed.statuses(0).id(), second);
  EXPECT_TRUE(feed.statuses(0).seen());
  ASSERT_TRUE(checkpointer_->run_once());
  std::size_t references = 0;
  store_->scan(Column::status_feed, "", "", false, [&](std::string_view, std::string_view) { return ++references != 0; });
  EXPECT_EQ(references, 5'001u);
}

TEST_F(StatusTest, An_archive_has_the_users_statuses_and_whom_they_muted) {
  options_.export_interval_ms = 0;
  restart();
  Device& ann = join("ann");
  Device& bob = join("bob");
  friends(ann, bob);
  ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  ASSERT_TRUE(post(ann, new_id()).has_status_posted());
  ASSERT_TRUE(mute(ann, bob.user).has_done());
  v1::ClientFrame frame;
  frame.mutable_export_account();
  const std::string lines = request(ann, frame).export_part().lines();
  std::size_t statuses = 0;
  for (std::size_t at = 0; (at = lines.find("{\"kind\":\"status\",", at)) != std::string::npos; ++at) ++statuses;
  EXPECT_EQ(statuses, 2u);
  EXPECT_NE(lines.find("{\"kind\":\"status_muted\",\"userId\":\"" + std::to_string(bob.user.value) + "\"}"),
            std::string::npos);
}

}  // namespace
}  // namespace godwit
