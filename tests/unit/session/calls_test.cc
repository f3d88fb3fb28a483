// Calls over whole sessions, on two workers: requests, pushes, what chats keep of them.
#include "session_fixture.h"

namespace godwit {
namespace {

class SessionCalls : public SessionTest {
 protected:
  std::string new_id() { return make_message_id(clock_.wall_ms()).str(); }

  v1::ServerFrame place(Device& from, Device& to, const std::string& id) {
    v1::ClientFrame frame;
    frame.mutable_place_call()->set_id(id);
    frame.mutable_place_call()->set_peer(to.user.value);
    frame.mutable_place_call()->set_offer("offer");
    return request(from, frame);
  }
  v1::ServerFrame answer(Device& from, Device& caller, const std::string& id) {
    v1::ClientFrame frame;
    frame.mutable_answer_call()->set_id(id);
    frame.mutable_answer_call()->set_peer(caller.user.value);
    frame.mutable_answer_call()->set_answer("answer");
    return request(from, frame);
  }
  v1::ServerFrame signal(Device& from, Device& peer, const std::string& id, const std::string& text) {
    v1::ClientFrame frame;
    frame.mutable_signal_call()->set_id(id);
    frame.mutable_signal_call()->set_peer(peer.user.value);
    frame.mutable_signal_call()->add_payloads(text);
    return request(from, frame);
  }
  v1::ServerFrame end(Device& from, Device& peer, const std::string& id) {
    v1::ClientFrame frame;
    frame.mutable_end_call()->set_id(id);
    frame.mutable_end_call()->set_peer(peer.user.value);
    frame.mutable_end_call()->set_reason(v1::HUNG_UP);
    return request(from, frame);
  }
  std::optional<v1::ServerFrame> changed(Device& d, v1::CallPhase phase) {
    return await(d, [phase](const auto& f) { return f.has_call_changed() && f.call_changed().phase() == phase; });
  }
  // The next call that the device is told of by an envelope.
  std::optional<v1::Envelope> entry(Device& d) {
    for (;;) {
      const auto frame = await(d, [](const auto& f) { return f.has_deliver(); });
      if (!frame) return std::nullopt;
      for (const auto& envelope : frame->deliver().envelopes()) {
        if (envelope.event().has_call()) return envelope;
      }
    }
  }
  std::string make_group(Device& owner, const std::vector<Device*>& members) {
    v1::ClientFrame frame;
    frame.mutable_create_group()->set_id(new_id());
    for (const Device* member : members) frame.mutable_create_group()->add_members(member->user.value);
    return request(owner, frame).group_changed().chat();
  }
  v1::ServerFrame join_call(Device& d, const std::string& chat, const std::string& id) {
    v1::ClientFrame frame;
    frame.mutable_join_call()->set_id(id);
    frame.mutable_join_call()->set_chat(chat);
    return request(d, frame);
  }
};

TEST_F(SessionCalls, call_from_the_offer_to_the_entry_in_the_chat) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const std::string id = new_id();
  const auto placed = place(ann, bob, id);
  ASSERT_TRUE(placed.has_call_placed()) << placed.ShortDebugString();
  EXPECT_EQ(placed.call_placed().devices(), 1U);
  const auto offered = await(bob, [](const auto& f) { return f.has_call_offered(); });
  ASSERT_TRUE(offered);
  EXPECT_EQ(offered->call_offered().from(), ann.user.value);
  EXPECT_EQ(offered->call_offered().offer(), "offer");
  EXPECT_TRUE(signal(ann, bob, id, "early").has_done());
  v1::ClientFrame ring;
  ring.mutable_ring_call()->set_id(id);
  ring.mutable_ring_call()->set_peer(ann.user.value);
  EXPECT_TRUE(request(bob, ring).has_done());
  EXPECT_TRUE(changed(ann, v1::RINGING));
  EXPECT_TRUE(answer(bob, ann, id).has_done());
  EXPECT_EQ(changed(ann, v1::ACTIVE)->call_changed().answer(), "answer");
  const auto early = await(bob, [](const auto& f) { return f.has_call_signaled(); });
  ASSERT_TRUE(early);
  EXPECT_EQ(early->call_signaled().payloads(0), "early");
  EXPECT_EQ(early->call_signaled().from_device(), ann.id);
  EXPECT_TRUE(end(bob, ann, id).has_done());
  EXPECT_EQ(changed(ann, v1::ENDED)->call_changed().reason(), v1::HUNG_UP);
  for (Device* device : {&ann, &bob}) {
    const auto told = entry(*device);
    ASSERT_TRUE(told);
    EXPECT_NE(told->id(), id) << "ids of the callers' choice may be in use";
    EXPECT_EQ(told->from(), ann.user.value);
    EXPECT_EQ(told->event().call().id(), id);
    EXPECT_EQ(told->event().call().reason(), v1::HUNG_UP);
  }
}

TEST_F(SessionCalls, history_of_calls_survives_a_restart_and_a_call_does_not) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const std::string id = new_id();
  place(ann, bob, id);
  end(ann, bob, id);
  EXPECT_EQ(entry(bob)->event().call().reason(), v1::CANCELLED);
  auto key = std::move(ann.key);
  const auto token = ann.token;
  const UserId user = ann.user;
  const UserId peer = bob.user;
  restart();
  Device& again = connect();
  again.key = std::move(key);
  again.token = token;
  ASSERT_TRUE(hello(again).has_welcome());
  again.user = user;
  v1::ClientFrame frame;
  frame.mutable_history()->set_peer(peer.value);
  const auto page = request(again, frame);
  ASSERT_EQ(page.history_page().envelopes_size(), 1);
  EXPECT_EQ(page.history_page().envelopes(0).event().call().reason(), v1::CANCELLED);
  v1::ClientFrame resume;
  resume.mutable_resume_call()->set_id(id);
  resume.mutable_resume_call()->set_peer(peer.value);
  EXPECT_EQ(code(request(again, resume)), v1::call_not_found);
}

TEST_F(SessionCalls, device_that_was_away_resumes) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const std::string id = new_id();
  place(ann, bob, id);
  answer(bob, ann, id);
  drop(bob);
  EXPECT_TRUE(signal(ann, bob, id, "missed").has_done());
  open(bob);
  ASSERT_TRUE(hello(bob).has_welcome());
  v1::ClientFrame resume;
  resume.mutable_resume_call()->set_id(id);
  resume.mutable_resume_call()->set_peer(ann.user.value);
  const auto state = request(bob, resume);
  ASSERT_TRUE(state.has_call_state()) << state.ShortDebugString();
  EXPECT_EQ(state.call_state().phase(), v1::ACTIVE);
  EXPECT_EQ(await(bob, [](const auto& f) { return f.has_call_signaled(); })->call_signaled().payloads(0), "missed");
}

TEST_F(SessionCalls, device_that_comes_while_it_rings_is_rung) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  drop(bob);
  const std::string id = new_id();
  EXPECT_EQ(place(ann, bob, id).call_placed().devices(), 0U);
  open(bob);
  hello(bob);
  EXPECT_TRUE(await(bob, [](const auto& f) { return f.has_call_offered(); }));
}

TEST_F(SessionCalls, who_is_blocked_rings_nobody_and_leaves_nothing_with_the_callee) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  v1::ClientFrame block;
  block.mutable_block()->set_user_id(ann.user.value);
  ASSERT_TRUE(request(bob, block).has_done());
  const std::string id = new_id();
  const auto placed = place(ann, bob, id);
  ASSERT_TRUE(placed.has_call_placed());
  EXPECT_EQ(placed.call_placed().devices(), 0U);
  EXPECT_EQ(code(answer(bob, ann, id)), v1::call_not_found);
  EXPECT_TRUE(end(ann, bob, id).has_done());
  EXPECT_EQ(entry(ann)->event().call().reason(), v1::CANCELLED);
  EXPECT_FALSE(bob.link->take([](const auto& f) { return f.has_call_offered() || f.has_deliver(); }));
}

TEST_F(SessionCalls, who_asks_first_is_not_called_by_strangers) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  v1::ClientFrame privacy;
  privacy.mutable_set_privacy()->set_ask_first(true);
  ASSERT_TRUE(request(bob, privacy).has_privacy());
  EXPECT_EQ(code(place(ann, bob, new_id())), v1::consent_needed);
  request(ann, message(bob, "hello"));
  EXPECT_EQ(code(place(ann, bob, new_id())), v1::consent_needed);
  request(bob, message(ann, "yes?"));
  EXPECT_TRUE(place(ann, bob, new_id()).has_call_placed());
}

TEST_F(SessionCalls, bad_requests) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  EXPECT_EQ(code(place(ann, ann, new_id())), v1::message_to_self);
  EXPECT_EQ(code(place(ann, bob, "short")), v1::message_id_invalid);
  EXPECT_EQ(code(place(ann, bob, make_message_id(1).str())), v1::message_id_expired);
  v1::ClientFrame frame;
  frame.mutable_place_call()->set_id(new_id());
  frame.mutable_place_call()->set_peer(12345);
  EXPECT_EQ(code(request(ann, frame)), v1::invalid_argument);
  frame.mutable_place_call()->set_offer(std::string(32'769, 'x'));
  EXPECT_EQ(code(request(ann, frame)), v1::too_large);
  frame.mutable_place_call()->set_offer("x");
  EXPECT_EQ(code(request(ann, frame)), v1::user_not_found);
  EXPECT_EQ(code(answer(bob, ann, new_id())), v1::call_not_found);
  const std::string id = new_id();
  place(ann, bob, id);
  EXPECT_EQ(code(signal(bob, ann, id, "x")), v1::wrong_call_state);
  EXPECT_EQ(code(signal(ann, bob, id, std::string(32'769, 'x'))), v1::too_large);
  v1::ClientFrame many;
  many.mutable_signal_call()->set_id(id);
  many.mutable_signal_call()->set_peer(bob.user.value);
  EXPECT_EQ(code(request(ann, many)), v1::invalid_argument);
  for (int i = 0; i < 33; ++i) many.mutable_signal_call()->add_payloads("x");
  EXPECT_EQ(code(request(ann, many)), v1::too_large);
  many.mutable_signal_call()->set_chat(std::string(16, 'x'));
  many.mutable_signal_call()->mutable_payloads()->Clear();
  many.mutable_signal_call()->add_payloads("x");
  EXPECT_EQ(code(request(ann, many)), v1::invalid_argument) << "both peer and chat";
  v1::ClientFrame ended;
  ended.mutable_end_call()->set_id(id);
  ended.mutable_end_call()->set_peer(bob.user.value);
  ended.mutable_end_call()->set_reason(v1::LOST);
  EXPECT_EQ(code(request(ann, ended)), v1::invalid_argument);
}

TEST_F(SessionCalls, invites_and_signals_of_one_user_are_bounded) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const std::string id = new_id();
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(code(place(ann, bob, id)), v1::ok) << "the same call again";
  }
  for (int i = 0; i < 40; ++i) {
    const auto reply = place(ann, bob, new_id());
    if (code(reply) != v1::rate_limited) continue;
    ++refused;
    EXPECT_GT(reply.error().retry_after_ms(), 0U);
  }
  EXPECT_GE(refused, 9);
  refused = 0;
  for (int i = 0; i < 300; ++i) refused += code(signal(ann, bob, id, "x")) == v1::rate_limited ? 1 : 0;
  EXPECT_GT(refused, 0);
}

TEST_F(SessionCalls, group_call_begins_and_ends_in_the_groups_log) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  Device& cat = join("cat");
  const std::string chat = make_group(ann, {&bob});
  const std::string id = new_id();
  const auto state = join_call(ann, chat, id);
  ASSERT_TRUE(state.has_call_state()) << state.ShortDebugString();
  EXPECT_EQ(state.call_state().id(), id);
  EXPECT_EQ(entry(bob)->event().call().reason(), v1::CALL_GOES_ON);
  EXPECT_EQ(code(join_call(cat, chat, new_id())), v1::chat_not_found);
  EXPECT_EQ(code(join_call(cat, direct_chat_id(ann.user, bob.user).str(), new_id())), v1::chat_not_found);
  EXPECT_EQ(join_call(bob, chat, new_id()).call_state().participants_size(), 2);
  EXPECT_TRUE(await(ann, [](const auto& f) { return f.request_id() == 0 && f.has_call_state(); }));

  // Bob is removed from the group, and so from the call; Ann leaves.
  v1::ClientFrame change;
  change.mutable_change_group()->set_id(new_id());
  change.mutable_change_group()->set_chat(chat);
  change.mutable_change_group()->add_remove(bob.user.value);
  ASSERT_TRUE(request(ann, change).has_group_changed());
  const auto out = await(bob, [](const auto& f) { return f.has_call_state() && f.call_state().phase() == v1::ENDED; });
  EXPECT_TRUE(out);
  v1::ClientFrame leave;
  leave.mutable_end_call()->set_id(id);
  leave.mutable_end_call()->set_chat(chat);
  EXPECT_TRUE(request(ann, leave).has_done());
  (void)entry(ann);  // the beginning
  const auto over = entry(ann);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->event().call().id(), id);
  EXPECT_EQ(over->event().call().reason(), v1::HUNG_UP);
  EXPECT_EQ(over->event().call().participants(), 2U);
}

TEST_F(SessionCalls, call_under_the_id_of_a_message_leaves_its_entry_and_no_group_call_begins_so) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const v1::ClientFrame sent = message(bob, "text");
  ASSERT_TRUE(request(ann, sent).has_sent());
  place(ann, bob, sent.send().id());
  ASSERT_TRUE(end(ann, bob, sent.send().id()).has_done());
  const auto told = entry(bob);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->event().call().id(), sent.send().id());

  const std::string chat = make_group(ann, {&bob});
  v1::ClientFrame to_group;
  to_group.mutable_send()->set_id(new_id());
  to_group.mutable_send()->set_chat(chat);
  to_group.mutable_send()->set_payload("text");
  ASSERT_TRUE(request(bob, to_group).has_sent());
  v1::ClientFrame change;
  change.mutable_change_group()->set_chat(chat);
  change.mutable_change_group()->set_id(new_id());
  change.mutable_change_group()->mutable_settings()->set_may_post(v1::ADMIN);
  ASSERT_TRUE(request(ann, change).has_group_changed());
  EXPECT_EQ(code(join_call(bob, chat, to_group.send().id())), v1::message_id_reused);
}

TEST_F(SessionCalls, who_may_not_post_in_the_group_may_not_begin_a_call) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const std::string chat = make_group(ann, {&bob});
  v1::ClientFrame change;
  change.mutable_change_group()->set_id(new_id());
  change.mutable_change_group()->set_chat(chat);
  change.mutable_change_group()->mutable_settings()->set_may_post(v1::ADMIN);
  ASSERT_TRUE(request(ann, change).has_group_changed());
  EXPECT_EQ(code(join_call(bob, chat, new_id())), v1::not_allowed);
  EXPECT_TRUE(join_call(ann, chat, new_id()).has_call_state());
  EXPECT_TRUE(join_call(bob, chat, new_id()).has_call_state());
}

TEST_F(SessionCalls, ice_servers_with_credentials_and_a_bound) {
  Device& nobody = join("nobody");
  v1::ClientFrame frame;
  frame.mutable_get_ice_servers();
  EXPECT_EQ(code(request(nobody, frame)), v1::ice_unavailable);
  shards_.call.ice = {{"stun:s.example", "eu turn:t.example"}, "a-secret-of-some-length", 600};
  shards_.call.credentials_per_day = 2;
  restart();
  Device& ann = join("ann");
  const auto reply = request(ann, frame);
  ASSERT_TRUE(reply.has_ice_servers()) << reply.ShortDebugString();
  ASSERT_EQ(reply.ice_servers().servers_size(), 2);
  EXPECT_EQ(reply.ice_servers().servers(0).urls(0), "stun:s.example");
  EXPECT_EQ(reply.ice_servers().servers(0).username(), "");
  EXPECT_EQ(reply.ice_servers().servers(1).username(),
            std::to_string(reply.ice_servers().expires_ms() / 1000) + ":" + std::to_string(ann.user.value));
  EXPECT_TRUE(request(ann, frame).has_ice_servers());
  EXPECT_EQ(code(request(ann, frame)), v1::rate_limited);
}

}  // namespace
}  // namespace godwit
