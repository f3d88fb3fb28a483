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

}  // namespace
}  // namespace godwit
