// What a device may ask, what it is told, and what ends its connection.
#include "session_fixture.h"

namespace godwit {
namespace {

TEST_F(SessionTest, A_message_is_sent_delivered_and_its_watermark_comes_back) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const auto sent = request(ann, message(bob, "hello"));
  ASSERT_TRUE(sent.has_sent()) << sent.ShortDebugString();
  EXPECT_EQ(sent.sent().chat_seq(), 1U);
  EXPECT_EQ(delivered(bob, 1), std::vector<std::string>{"hello"});
  ack(bob, last_seq_);
  const auto moved = await(ann, [](const auto& f) { return f.has_watermarks(); });
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->watermarks().watermarks(0).member(), bob.user.value);
  EXPECT_EQ(moved->watermarks().watermarks(0).delivered(), 1U);
}

TEST_F(SessionTest, Requests_before_hello_and_unknown_bodies_are_refused) {
  Device& d = connect();
  Device& other = join("other");
  EXPECT_EQ(code(request(d, message(other, "x"))), v1::wrong_state);
  EXPECT_EQ(code(request(d, v1::ClientFrame())), v1::unknown_request);
  EXPECT_EQ(code(hello(d)), v1::token_invalid);
}

TEST_F(SessionTest, Eight_malformed_frames_end_the_connection) {
  Device& d = connect();
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(d.link->closed()) << i;
    input_bytes(d, "\xFF\xFF\xFF");
    EXPECT_TRUE(await(d, [](const auto& f) { return f.error().code() == v1::bad_frame; }));
  }
  EXPECT_EQ(d.link->closed(), CloseReason::bad_frames);
}

TEST_F(SessionTest, Three_failed_hellos_end_the_connection) {
  Device& d = connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code(hello(d)), v1::token_invalid);
  EXPECT_EQ(d.link->closed(), CloseReason::unauthenticated);
}

TEST_F(SessionTest, A_stolen_token_is_worth_nothing_without_the_key) {
  Device& ann = join("ann");
  Device& thief = connect();
  thief.token = ann.token;
  EXPECT_EQ(code(hello(thief)), v1::proof_invalid);
}

TEST_F(SessionTest, A_proof_for_another_connection_is_refused) {
  Device& ann = connect();
  register_as(ann, "ann");
  const std::string old_nonce = ann.nonce;
  open(ann);
  EXPECT_NE(ann.nonce, old_nonce);
  ann.nonce = old_nonce;
  EXPECT_EQ(code(hello(ann)), v1::proof_invalid);
}

TEST_F(SessionTest, Delivery_stops_at_the_window_and_goes_on_with_the_ack) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(request(ann, message(bob, std::to_string(i))).has_sent());
  EXPECT_EQ(delivered(bob, 8).size(), 8U);
  EXPECT_TRUE(quiet(bob));
  ack(bob, last_seq_);
  EXPECT_EQ(delivered(bob, 8).size(), 8U);
  EXPECT_EQ(last_seq_, 16U);
  ack(bob, 12);
  EXPECT_EQ(delivered(bob, 4).size(), 4U);
}

TEST_F(SessionTest, Acks_ahead_and_behind_are_errors_that_change_nothing) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(request(ann, message(bob, "m")).has_sent());
  ASSERT_EQ(delivered(bob, 3).size(), 3U);
  v1::ClientFrame frame;
  frame.mutable_ack()->set_cursor(4);
  EXPECT_EQ(code(request(bob, frame)), v1::cursor_ahead);
  frame.mutable_ack()->set_cursor(2);
  EXPECT_TRUE(request(bob, frame).has_done());
  frame.mutable_ack()->set_cursor(1);
  EXPECT_EQ(code(request(bob, frame)), v1::cursor_behind);
}

TEST_F(SessionTest, A_device_that_comes_back_resumes_at_its_cursor_from_tail_and_store) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  drop(bob);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(request(ann, message(bob, std::to_string(i))).has_sent());
  ASSERT_TRUE(checkpointer_->run_once());
  ASSERT_TRUE(request(ann, message(bob, "5")).has_sent());
  open(bob);
  const auto welcome = hello(bob, 2);
  ASSERT_TRUE(welcome.has_welcome());
  EXPECT_EQ(welcome.welcome().cursor(), 2U);
  EXPECT_EQ(welcome.welcome().inbox_end(), 6U);
  EXPECT_EQ(delivered(bob, 4), (std::vector<std::string>{"2", "3", "4", "5"}));
  EXPECT_TRUE(await(bob, [](const auto& f) { return f.caught_up().seq() == 6; }));
}

TEST_F(SessionTest, A_hello_beyond_the_end_is_refused) {
  Device& ann = connect();
  register_as(ann, "ann");
  EXPECT_EQ(code(hello(ann, 1)), v1::cursor_ahead);
}

TEST_F(SessionTest, What_the_bound_removed_is_told_and_waits_for_the_ack) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  drop(bob);
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(request(ann, message(bob, std::to_string(i))).has_sent());
  open(bob);
  ASSERT_TRUE(hello(bob).has_welcome());
  const auto gap = await(bob, [](const auto& f) { return f.has_gap(); });
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->gap().from(), 1U);
  EXPECT_EQ(gap->gap().to(), 10U);
  EXPECT_TRUE(quiet(bob));
  v1::ClientFrame frame;
  frame.mutable_ack_gap()->set_to(9);
  EXPECT_EQ(code(request(bob, frame)), v1::invalid_argument);
  frame.mutable_ack_gap()->set_to(10);
  EXPECT_TRUE(request(bob, frame).has_done());
  EXPECT_EQ(delivered(bob, 8).front(), "10");
}

TEST_F(SessionTest, A_congested_connection_gets_nothing_until_it_has_drained) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  bob.link->congested = true;
  ASSERT_TRUE(request(ann, message(bob, "m")).has_sent());
  EXPECT_TRUE(quiet(bob));
  bob.link->congested = false;
  bob.link->worker().post([&] { bob.session->on_drained(); });
  EXPECT_EQ(delivered(bob, 1).size(), 1U);
}

TEST_F(SessionTest, The_same_id_returns_the_same_answer_and_stores_nothing) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  const auto frame = message(bob, "once");
  const auto first = request(ann, frame);
  const auto second = request(ann, frame);
  EXPECT_EQ(first.sent().chat_seq(), second.sent().chat_seq());
  EXPECT_EQ(first.sent().time_delta_ms(), second.sent().time_delta_ms());
  EXPECT_EQ(delivered(bob, 1).size(), 1U);
  EXPECT_TRUE(quiet(bob));
}

TEST_F(SessionTest, Many_sends_before_the_chat_is_known_keep_their_order) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  for (int i = 0; i < 8; ++i) {
    auto frame = message(bob, std::to_string(i));
    frame.set_request_id(100 + static_cast<std::uint64_t>(i));
    input(ann, frame);
  }
  EXPECT_EQ(delivered(bob, 8), (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"}));
}

TEST_F(SessionTest, Bad_sends_each_get_their_error) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  EXPECT_EQ(code(request(ann, message(ann, "me"))), v1::message_to_self);
  EXPECT_EQ(code(request(ann, message(bob, ""))), v1::invalid_argument);
  EXPECT_EQ(code(request(ann, message(bob, std::string(65'537, 'x')))), v1::too_large);
  auto frame = message(bob, "x");
  frame.mutable_send()->set_to(0);
  EXPECT_EQ(code(request(ann, frame)), v1::invalid_argument);
  frame.mutable_send()->set_to(999);
  EXPECT_EQ(code(request(ann, frame)), v1::user_not_found);
  frame = message(bob, "x");
  frame.mutable_send()->set_id("short");
  EXPECT_EQ(code(request(ann, frame)), v1::message_id_invalid);
  frame.mutable_send()->set_id(std::string(16, 'v'));
  EXPECT_EQ(code(request(ann, frame)), v1::message_id_invalid);
}

TEST_F(SessionTest, A_block_is_silent_and_can_be_lifted) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  v1::ClientFrame block;
  block.mutable_block()->set_user_id(ann.user.value);
  EXPECT_TRUE(request(bob, block).has_done());
  EXPECT_TRUE(request(ann, message(bob, "unheard")).has_sent());
  EXPECT_TRUE(quiet(bob));
  block.mutable_block()->set_lift(true);
  EXPECT_TRUE(request(bob, block).has_done());
  EXPECT_TRUE(request(ann, message(bob, "heard")).has_sent());
  EXPECT_EQ(delivered(bob, 1), std::vector<std::string>{"heard"});
  v1::ClientFrame history;
  history.mutable_history()->set_peer(ann.user.value);
  EXPECT_EQ(request(bob, history).history_page().envelopes_size(), 1);
  history.mutable_history()->set_peer(bob.user.value);
  EXPECT_EQ(request(ann, history).history_page().envelopes_size(), 2);
}

TEST_F(SessionTest, The_same_device_elsewhere_replaces_the_connection) {
  Device& ann = join("ann");
  Device& again = connect();
  again.key = auth::DeviceKey::from_seed(ann.key.seed());
  again.token = ann.token;
  EXPECT_TRUE(hello(again).has_welcome());
  for (int i = 0; i < 1'000 && !ann.link->closed(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(ann.link->closed(), CloseReason::replaced);
}

TEST_F(SessionTest, A_linked_device_gets_copies_and_a_revoked_one_is_closed) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  Device& second = connect();
  v1::ClientFrame begin;
  begin.mutable_link_begin()->set_device_key(second.key.public_key);
  begin.mutable_link_begin()->set_signature(second.key.sign(auth::link_begin_input(second.nonce, second.key.public_key)));
  const auto offer = request(second, begin);
  ASSERT_TRUE(offer.has_link_offer());
  v1::ClientFrame approve;
  approve.mutable_link_approve()->set_link_id(offer.link_offer().link_id());
  approve.mutable_link_approve()->set_device_key(second.key.public_key);
  approve.mutable_link_approve()->set_signature(
      ann.key.sign(auth::link_approve_input(offer.link_offer().link_id(), second.key.public_key, ann.user)));
  const auto approved = request(ann, approve);
  ASSERT_TRUE(approved.has_link_approved()) << approved.ShortDebugString();
  EXPECT_EQ(code(request(ann, approve)), v1::link_invalid);
  const auto linked = await(second, [](const auto& f) { return f.has_linked(); });
  ASSERT_TRUE(linked);
  second.token = linked->linked().token();
  ASSERT_TRUE(hello(second).has_welcome());

  ASSERT_TRUE(request(ann, message(bob, "to both")).has_sent());
  const auto copy = await(second, [](const auto& f) { return f.has_deliver(); });
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->deliver().envelopes(0).to(), bob.user.value);
  EXPECT_EQ(copy->deliver().envelopes(0).from(), ann.user.value);

  v1::ClientFrame revoke;
  revoke.mutable_revoke_device()->set_device_id(approved.link_approved().device_id());
  EXPECT_TRUE(request(ann, revoke).has_done());
  for (int i = 0; i < 1'000 && !second.link->closed(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(second.link->closed(), CloseReason::revoked);
  revoke.mutable_revoke_device()->set_device_id(ann.id);
  EXPECT_EQ(code(request(ann, revoke)), v1::not_allowed);
  open(second);
  EXPECT_EQ(code(hello(second)), v1::device_revoked);
}

TEST_F(SessionTest, A_deleted_account_closes_and_cannot_be_written_to) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  ASSERT_TRUE(request(ann, message(bob, "before")).has_sent());
  v1::ClientFrame erase;
  erase.mutable_delete_account()->set_signature(bob.key.sign(auth::delete_account_input(bob.nonce, bob.user)));
  EXPECT_TRUE(request(bob, erase).has_done());
  for (int i = 0; i < 1'000 && !bob.link->closed(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(bob.link->closed(), CloseReason::account_deleted);
  EXPECT_EQ(code(request(ann, message(bob, "after"))), v1::user_not_found);
}

TEST_F(SessionTest, Registering_again_with_the_same_key_gives_the_same_account) {
  Device& ann = connect();
  register_as(ann, "ann");
  const UserId first = ann.user;
  register_as(ann, "ann");
  EXPECT_EQ(ann.user, first);
  Device& other = connect();
  v1::ClientFrame frame;
  auto& asked = *frame.mutable_register_();
  asked.set_handle("ann");
  asked.set_device_key(other.key.public_key);
  asked.set_signature(other.key.sign(auth::register_input(other.nonce, other.key.public_key, "ann")));
  EXPECT_EQ(code(request(other, frame)), v1::handle_taken);
}

TEST_F(SessionTest, Keepalive_is_granted_within_bounds) {
  Device& ann = connect();
  register_as(ann, "ann");
  v1::ClientFrame frame;
  frame.mutable_hello()->set_token(ann.token);
  frame.mutable_hello()->set_signature(ann.key.sign(auth::hello_input(ann.nonce, ann.token)));
  frame.mutable_hello()->set_keepalive_s(1);
  EXPECT_EQ(request(ann, frame).welcome().keepalive_s(), options_.keepalive_min_s);
  EXPECT_EQ(ann.link->idle_ms, options_.keepalive_min_s * 1500);
}

}  // namespace
}  // namespace godwit
