// Privacy settings, contacts, contact discovery, devices' names and when they were seen, blocks.
#include "account/contact_hash.h"
#include "session_fixture.h"

namespace godwit {
namespace {

class PrivacyRequestTest : public SessionTest {
 protected:
  using Frame = v1::ClientFrame;

  v1::ServerFrame set(Device& d, const std::function<void(v1::SetPrivacy&)>& fill) {
    Frame frame;
    fill(*frame.mutable_set_privacy());
    return request(d, frame);
  }
  v1::Privacy privacy(Device& d) {
    Frame frame;
    frame.mutable_get_privacy();
    return request(d, frame).privacy();
  }
  v1::ServerFrame add_contacts(Device& d, const std::vector<std::uint64_t>& users, const std::string& note = {}) {
    Frame frame;
    for (const std::uint64_t user : users) {
      auto& contact = *frame.mutable_change_contacts()->add_add();
      contact.set_user_id(user);
      contact.set_note(note);
    }
    return request(d, frame);
  }
  v1::ServerFrame remove_contacts(Device& d, const std::vector<std::uint64_t>& users) {
    Frame frame;
    for (const std::uint64_t user : users) frame.mutable_change_contacts()->add_remove(user);
    return request(d, frame);
  }
  v1::Contacts contacts(Device& d, std::uint64_t after = 0, std::uint32_t limit = 0) {
    Frame frame;
    frame.mutable_list_contacts()->set_after(after);
    frame.mutable_list_contacts()->set_limit(limit);
    return request(d, frame).contacts();
  }
  std::string hash(const std::string& handle) { return contact_hash(store_->discovery_key(), handle); }
  v1::ServerFrame find(Device& d, const std::vector<std::string>& hashes) {
    Frame frame;
    frame.mutable_find_contacts();
    for (const std::string& h : hashes) frame.mutable_find_contacts()->add_hashes(h);
    return request(d, frame);
  }
  v1::ServerFrame rename(Device& d, std::uint32_t device, const std::string& name) {
    Frame frame;
    frame.mutable_rename_device()->set_device_id(device);
    frame.mutable_rename_device()->set_name(name);
    return request(d, frame);
  }
  v1::Devices devices(Device& d) {
    Frame frame;
    frame.mutable_list_devices();
    return request(d, frame).devices();
  }
  v1::ServerFrame block(Device& d, UserId user) {
    Frame frame;
    frame.mutable_block()->set_user_id(user.value);
    return request(d, frame);
  }
  // The same device on a new connection, after a restart.
  Device& back(Device& kept) {
    Device& d = connect();
    d.key = std::move(kept.key);
    d.token = kept.token;
    d.user = kept.user;
    EXPECT_TRUE(hello(d).has_welcome());
    kept.key = std::move(d.key);
    return d;
  }
  // What outlives the connection.
  Device keep(Device& d) {
    Device kept;
    kept.key = std::move(d.key);
    kept.token = d.token;
    kept.user = d.user;
    return kept;
  }
};

TEST_F(PrivacyRequestTest, Settings_are_as_a_new_account_has_them_until_they_are_set) {
  Device& ann = join("ann");
  EXPECT_EQ(privacy(ann).profile().audience(), v1::EVERYONE);
  const auto reply = set(ann, [](v1::SetPrivacy& p) {
    p.mutable_profile()->set_audience(v1::CONTACTS);
    p.mutable_profile()->add_except(9);
    p.mutable_profile()->add_except(7);
    p.mutable_profile()->add_except(9);
    p.set_ask_first(true);
  });
  ASSERT_TRUE(reply.has_privacy()) << reply.ShortDebugString();
  EXPECT_EQ(reply.privacy().profile().audience(), v1::CONTACTS);
  ASSERT_EQ(reply.privacy().profile().except_size(), 2);
  EXPECT_EQ(reply.privacy().profile().except(0), 7u);
  EXPECT_TRUE(reply.privacy().ask_first());
  EXPECT_FALSE(reply.privacy().hide_read_receipts());
  EXPECT_EQ(privacy(ann).SerializeAsString(), reply.privacy().SerializeAsString());
}

TEST_F(PrivacyRequestTest, Settings_survive_a_restart_from_the_journal_and_from_the_store) {
  Device ann = keep(join("ann"));
  set(*devices_.back(), [](v1::SetPrivacy& p) { p.mutable_last_seen()->set_audience(v1::NOBODY); });
  restart();
  EXPECT_EQ(privacy(back(ann)).last_seen().audience(), v1::NOBODY);
  ASSERT_TRUE(checkpointer_->run_once());
  restart();
  EXPECT_EQ(privacy(back(ann)).last_seen().audience(), v1::NOBODY);
}

TEST_F(PrivacyRequestTest, Changes_sent_at_once_all_hold) {
  Device& ann = join("ann");
  Frame first;
  first.set_request_id(901);
  first.mutable_set_privacy()->set_ask_first(true);
  Frame second;
  second.set_request_id(902);
  second.mutable_set_privacy()->set_hide_read_receipts(true);
  input(ann, first);
  input(ann, second);
  ASSERT_TRUE(await(ann, [](const auto& f) { return f.request_id() == 902; }));
  EXPECT_TRUE(privacy(ann).ask_first());
  EXPECT_TRUE(privacy(ann).hide_read_receipts());
}

TEST_F(PrivacyRequestTest, Bad_settings_change_nothing) {
  Device& ann = join("ann");
  EXPECT_EQ(code(set(ann, [](v1::SetPrivacy& p) { p.mutable_online()->set_audience(static_cast<v1::Audience>(17)); })),
            v1::invalid_argument);
  EXPECT_EQ(code(set(ann, [](v1::SetPrivacy& p) { p.mutable_online()->add_except(0); })), v1::invalid_argument);
  EXPECT_EQ(code(set(ann,
                     [](v1::SetPrivacy& p) {
                       p.mutable_online()->set_audience(v1::NOBODY);
                       for (std::uint64_t i = 1; i <= 1'001; ++i) p.mutable_status()->add_except(i);
                     })),
            v1::too_large);
  EXPECT_EQ(privacy(ann).online().audience(), v1::EVERYONE);
  EXPECT_TRUE(set(ann, [](v1::SetPrivacy& p) {
                for (std::uint64_t i = 1; i <= 1'000; ++i) p.mutable_status()->add_except(i);
              }).has_privacy());
}

TEST_F(PrivacyRequestTest, Contacts_are_listed_with_their_notes_from_memory_and_from_the_store) {
  Device ann = keep(join("ann"));
  Device* now = devices_.back().get();
  EXPECT_TRUE(add_contacts(*now, {30, 10}, "stored").has_done());
  ASSERT_TRUE(checkpointer_->run_once());
  EXPECT_TRUE(add_contacts(*now, {20}, "fresh").has_done());
  const auto check = [&](Device& d) {
    const auto page = contacts(d);
    ASSERT_EQ(page.contacts_size(), 3);
    EXPECT_EQ(page.contacts(0).user_id(), 10u);
    EXPECT_EQ(page.contacts(0).note(), "stored");
    EXPECT_EQ(page.contacts(1).note(), "fresh");
    EXPECT_FALSE(page.more());
  };
  check(*now);
  restart();
  Device& again = back(ann);
  check(again);
  EXPECT_TRUE(remove_contacts(again, {10, 30, 99}).has_done());
  EXPECT_EQ(contacts(again).contacts_size(), 1);
}

TEST_F(PrivacyRequestTest, Contacts_come_in_pages) {
  Device& ann = join("ann");
  std::vector<std::uint64_t> many;
  for (std::uint64_t id = 1; id <= 250; ++id) many.push_back(id);
  EXPECT_TRUE(add_contacts(ann, many).has_done());
  EXPECT_EQ(contacts(ann).contacts_size(), 200);
  const auto page = contacts(ann, 200, 49);
  EXPECT_EQ(page.contacts_size(), 49);
  EXPECT_EQ(page.contacts(0).user_id(), 201u);
  EXPECT_TRUE(page.more());
  EXPECT_FALSE(contacts(ann, 200, 50).more());
}

TEST_F(PrivacyRequestTest, Bad_contacts_each_get_their_error) {
  Device& ann = join("ann");
  EXPECT_EQ(code(add_contacts(ann, {0})), v1::invalid_argument);
  EXPECT_EQ(code(add_contacts(ann, {ann.user.value})), v1::invalid_argument);
  EXPECT_EQ(code(add_contacts(ann, {5}, std::string(257, 'x'))), v1::too_large);
  EXPECT_TRUE(add_contacts(ann, {5}, std::string(256, 'x')).has_done());
  EXPECT_EQ(code(add_contacts(ann, std::vector<std::uint64_t>(1'001, 7))), v1::too_large);
  EXPECT_EQ(code(remove_contacts(ann, std::vector<std::uint64_t>(1'001, 7))), v1::too_large);
}

TEST_F(PrivacyRequestTest, The_ten_thousand_and_first_contact_is_one_too_many) {
  Device& ann = join("ann");
  std::uint64_t next = 1;
  for (int i = 0; i < 10; ++i) {
    std::vector<std::uint64_t> some;
    for (int k = 0; k < 1'000; ++k) some.push_back(next++);
    ASSERT_TRUE(add_contacts(ann, some).has_done());
  }
  EXPECT_EQ(code(add_contacts(ann, {next})), v1::too_large);
  EXPECT_TRUE(add_contacts(ann, {1}, "known already").has_done());
  Frame swap;
  swap.mutable_change_contacts()->add_remove(1);
  swap.mutable_change_contacts()->add_add()->set_user_id(next);
  EXPECT_TRUE(request(ann, swap).has_done());
  EXPECT_EQ(code(add_contacts(ann, {1})), v1::too_large);
}

TEST_F(PrivacyRequestTest, Contacts_that_change_faster_than_they_are_stored_are_held_back) {
  Device& ann = join("ann");
  std::uint64_t next = 1;
  const auto some = [&] {
    std::vector<std::uint64_t> ids;
    for (int k = 0; k < 1'000; ++k) ids.push_back(next++);
    return ids;
  };
  for (int i = 0; i < 20; ++i) {
    const auto ids = some();
    ASSERT_TRUE(add_contacts(ann, ids).has_done());
    if (i < 19) {
      ASSERT_TRUE(remove_contacts(ann, ids).has_done());
    }
  }
  const auto more = some();
  const auto reply = add_contacts(ann, more);
  EXPECT_EQ(code(reply), v1::overloaded);
  EXPECT_GT(reply.error().retry_after_ms(), 0u);
  ASSERT_TRUE(checkpointer_->run_once());
  EXPECT_TRUE(add_contacts(ann, more).has_done());
}

TEST_F(PrivacyRequestTest, Handles_are_found_by_their_hash_at_once_and_after_a_restart) {
  Device ann = keep(join("ann"));
  const UserId bob = join("bob").user;
  const UserId cat = join("cat").user;
  const auto check = [&](Device& d) {
    const auto reply = find(d, {hash("nobody"), hash("cat"), hash("bob")});
    ASSERT_TRUE(reply.has_found_contacts()) << reply.ShortDebugString();
    EXPECT_EQ(reply.found_contacts().hash_key(), store_->discovery_key());
    ASSERT_EQ(reply.found_contacts().found_size(), 2);
    EXPECT_EQ(reply.found_contacts().found(0).user_id(), cat.value);
    EXPECT_EQ(reply.found_contacts().found(1).user_id(), bob.value);
    EXPECT_EQ(reply.found_contacts().found(1).hash(), hash("bob"));
  };
  check(*devices_.front());
  restart();
  check(back(ann));
  ASSERT_TRUE(checkpointer_->run_once());
  restart();
  check(back(ann));
}

TEST_F(PrivacyRequestTest, Whoever_does_not_show_a_profile_is_not_found) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const auto found = [&] { return find(ann, {hash("bob")}).found_contacts().found_size(); };
  EXPECT_EQ(found(), 1);
  set(bob, [](v1::SetPrivacy& p) { p.mutable_profile()->set_audience(v1::NOBODY); });
  EXPECT_EQ(found(), 0);
  set(bob, [](v1::SetPrivacy& p) { p.mutable_profile()->set_audience(v1::CONTACTS); });
  EXPECT_EQ(found(), 0);
  add_contacts(bob, {ann.user.value});
  EXPECT_EQ(found(), 1);
  block(bob, ann.user);
  EXPECT_EQ(found(), 0);
}

TEST_F(PrivacyRequestTest, A_deleted_account_is_not_found) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  ASSERT_TRUE(checkpointer_->run_once());
  Frame frame;
  frame.mutable_delete_account()->set_signature(bob.key.sign(auth::delete_account_input(bob.nonce, bob.user)));
  ASSERT_TRUE(request(bob, frame).has_done());
  EXPECT_EQ(find(ann, {hash("bob")}).found_contacts().found_size(), 0);
  ASSERT_TRUE(checkpointer_->run_once());
  const std::string key = ContactHash::key(router_->map(), hash("bob"));
  EXPECT_EQ(store_->get(Column::contact_hash, key), std::nullopt);
}

TEST_F(PrivacyRequestTest, Asking_for_the_key_costs_nothing_and_bad_hashes_are_refused) {
  Device& ann = join("ann");
  EXPECT_EQ(find(ann, {}).found_contacts().hash_key(), store_->discovery_key());
  EXPECT_EQ(code(find(ann, {"short"})), v1::invalid_argument);
  EXPECT_EQ(code(find(ann, std::vector<std::string>(1'001, std::string(16, 'x')))), v1::too_large);
}

class LookupLimitTest : public PrivacyRequestTest {
 protected:
  LookupLimitTest() { shards_.account.contact_lookups_per_day = 10; }
};

TEST_F(LookupLimitTest, Lookups_of_a_day_are_bounded_whatever_connection_or_process) {
  Device ann = keep(join("ann"));
  EXPECT_EQ(code(find(*devices_.back(), std::vector<std::string>(11, hash("x")))), v1::too_large);
  EXPECT_TRUE(find(*devices_.back(), std::vector<std::string>(10, hash("x"))).has_found_contacts());
  const auto refused = find(*devices_.back(), {hash("x")});
  EXPECT_EQ(code(refused), v1::rate_limited);
  EXPECT_GT(refused.error().retry_after_ms(), 8'000'000u) << "a tenth of a day, less what has passed";
  EXPECT_TRUE(find(*devices_.back(), {}).has_found_contacts());
  ASSERT_TRUE(checkpointer_->run_once());
  restart();
  EXPECT_EQ(code(find(back(ann), {hash("x")})), v1::rate_limited);
}

TEST_F(PrivacyRequestTest, A_device_gets_another_name) {
  Device& ann = join("ann");
  EXPECT_TRUE(rename(ann, 1, "tablet").has_done());
  EXPECT_EQ(devices(ann).devices(0).name(), "tablet");
  EXPECT_EQ(code(rename(ann, 2, "x")), v1::device_not_found);
  EXPECT_EQ(code(rename(ann, 1, std::string(65, 'x'))), v1::too_large);
}

TEST_F(PrivacyRequestTest, Blocks_are_listed) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  Frame frame;
  frame.mutable_list_blocks();
  EXPECT_EQ(request(ann, frame).blocks().users_size(), 0);
  block(ann, bob.user);
  const auto reply = request(ann, frame);
  ASSERT_EQ(reply.blocks().users_size(), 1);
  EXPECT_EQ(reply.blocks().users(0), bob.user.value);
}

class LastSeenTest : public PrivacyRequestTest {
 protected:
  // What the store says, once a checkpoint has written what is due.
  std::int64_t stored(UserId user) {
    EXPECT_TRUE(checkpointer_->run_once());
    store::UserRow row;
    EXPECT_TRUE(row.ParseFromString(*store_->get(Column::user, Account::key(router_->map(), user))));
    return row.devices(0).last_seen_ms();
  }
  std::int64_t in_memory(UserId user) {
    std::promise<std::int64_t> seen;
    router_->shard_of(user).worker().post([&] {
      router_->shard_of(user).accounts().with_account(
          user, [&](Account& account) { seen.set_value(account.devices()[0].last_seen_ms); });
    });
    return seen.get_future().get();
  }
};

TEST_F(LastSeenTest, A_device_is_last_seen_now_while_it_is_here_and_then_when_it_left) {
  const std::int64_t before = clock_.wall_ms();
  Device& ann = join("ann");
  EXPECT_GE(devices(ann).devices(0).last_seen_ms(), before);
  const std::int64_t noted = stored(ann.user);
  EXPECT_GE(noted, before);
  EXPECT_EQ(stored(ann.user), noted) << "once an hour is often enough";
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::int64_t leaves = clock_.wall_ms();
  drop(ann);
  EXPECT_GE(in_memory(ann.user), leaves);
  EXPECT_EQ(stored(ann.user), noted);
}

class LastSeenOftenTest : public LastSeenTest {
 protected:
  LastSeenOftenTest() {
    shards_.account.last_seen_interval_ms = 50;
    options_.last_seen_interval_ms = 50;
  }
};

TEST_F(LastSeenOftenTest, A_long_session_is_noted_again_without_a_request) {
  Device& ann = join("ann");
  const std::int64_t first = stored(ann.user);
  std::int64_t later = first;
  for (int i = 0; i < 100 && later == first; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    later = stored(ann.user);
  }
  EXPECT_GE(later, first + 50);
}

}  // namespace
}  // namespace godwit
