// Chats named by their id: direct ones belong to their two members, whatever id somebody computes.
#include "session_fixture.h"

namespace godwit {
namespace {

class ChatsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    ann_ = &join("ann");
    bob_ = &join("bob");
    request(*ann_, message(*bob_, "for bob alone"));
    id_ = direct_chat_id(ann_->user, bob_->user).str();
    message_id_ = make_message_id(clock_.wall_ms()).str();
  }

  // Every request that names a chat by its id.
  std::vector<v1::ClientFrame> requests() const {
    std::vector<v1::ClientFrame> all(9);
    all[0].mutable_send()->set_chat(id_);
    all[0].mutable_send()->set_id(message_id_);
    all[0].mutable_send()->set_payload("x");
    all[1].mutable_read()->set_chat(id_);
    all[1].mutable_read()->set_chat_seq(1);
    all[2].mutable_history()->set_chat(id_);
    all[3].mutable_remove_message()->set_chat(id_);
    all[3].mutable_remove_message()->set_chat_seq(1);
    all[4] = all[3];
    all[4].mutable_remove_message()->set_for_everyone(true);
    all[4].mutable_remove_message()->set_id(message_id_);
    all[5].mutable_trace_message()->set_chat(id_);
    all[5].mutable_trace_message()->set_id(message_id_);
    all[6].mutable_get_group()->set_chat(id_);
    all[7].mutable_get_receipts()->set_chat(id_);
    all[8].mutable_change_group()->set_chat(id_);
    all[8].mutable_change_group()->set_id(message_id_);
    all[8].mutable_change_group()->set_name("mine");
    return all;
  }

  Device* ann_ = nullptr;
  Device* bob_ = nullptr;
  std::string id_;
  std::string message_id_;
};

TEST_F(ChatsTest, A_stranger_who_computes_the_id_of_a_direct_chat_finds_nothing) {
  for (const bool stored : {false, true}) {
    if (stored) {
      ASSERT_TRUE(checkpointer_->run_once());
    }
    Device& eve = join(stored ? "eve2" : "eve");
    for (const v1::ClientFrame& frame : requests()) {
      EXPECT_EQ(code(request(eve, frame)), v1::chat_not_found) << frame.ShortDebugString();
    }
  }
  v1::ClientFrame history;
  history.mutable_history()->set_peer(ann_->user.value);
  const auto page = request(*bob_, history);
  ASSERT_EQ(page.history_page().envelopes_size(), 1);
  EXPECT_EQ(page.history_page().envelopes(0).payload(), "for bob alone");
}

TEST_F(ChatsTest, A_member_may_name_a_direct_chat_by_its_id_where_nothing_is_written) {
  v1::ClientFrame history;
  history.mutable_history()->set_chat(id_);
  EXPECT_EQ(request(*bob_, history).history_page().envelopes_size(), 1);
}

TEST_F(ChatsTest, Newcomers_and_those_who_left_learn_nothing_of_a_group_when_they_are_not_in_it) {
  v1::ClientFrame frame;
  frame.mutable_create_group()->set_id(make_message_id(clock_.wall_ms()).str());
  const std::string group = request(*ann_, frame).group_changed().chat();
  const auto change = [&](Device& member, bool in) {
    frame = {};
    frame.mutable_change_group()->set_id(make_message_id(clock_.wall_ms()).str());
    frame.mutable_change_group()->set_chat(group);
    auto& users = in ? *frame.mutable_change_group()->mutable_add() : *frame.mutable_change_group()->mutable_remove();
    users.Add(member.user.value);
    return request(*ann_, frame);
  };
  ASSERT_TRUE(change(*bob_, true).has_group_changed());
  frame = {};
  frame.mutable_get_receipts()->set_chat(group);
  frame.mutable_get_receipts()->set_chat_seq(1);
  EXPECT_EQ(code(request(*bob_, frame)), v1::message_not_found);
  EXPECT_TRUE(request(*ann_, frame).has_receipts());
  frame.mutable_get_receipts()->set_chat_seq(2);
  EXPECT_TRUE(request(*bob_, frame).has_receipts());

  const auto listed = [&](Device& device) {
    v1::ClientFrame asked;
    asked.mutable_list_chats();
    const v1::ServerFrame reply = request(device, asked);
    for (const auto& chat : reply.chats().chats()) {
      if (chat.chat() == group) return chat;
    }
    return v1::ChatInfo();
  };
  EXPECT_NE(listed(*bob_).version(), 0U);
  ASSERT_TRUE(change(*bob_, false).has_group_changed());
  EXPECT_TRUE(listed(*bob_).left());
  EXPECT_EQ(listed(*bob_).version(), 0U);
}

TEST_F(ChatsTest, The_first_message_asks_for_consent_by_what_the_recipient_wants_by_then) {
  Device& cat = join("cat");
  v1::ClientFrame early = message(cat, "from the future");
  early.mutable_send()->set_id(make_message_id(clock_.wall_ms() + 3'600'000).str());
  ASSERT_EQ(code(request(*bob_, early)), v1::message_id_expired);
  v1::ClientFrame privacy;
  privacy.mutable_set_privacy()->set_ask_first(true);
  ASSERT_TRUE(request(cat, privacy).has_privacy());
  ASSERT_TRUE(request(*bob_, message(cat, "first")).has_sent());
  EXPECT_EQ(code(request(*bob_, message(cat, "second"))), v1::consent_needed);
}

}  // namespace
}  // namespace godwit
