// Messages sent again after the table of ids has forgotten them: the chat's log tells.
#include "session_fixture.h"

namespace godwit {
namespace {

class OldIdsTest : public SessionTest {
 protected:
  void SetUp() override {
    shards_.chat.dedup_entries = 4;
    shards_.chat.dedup_scan_max = 10;
    SessionTest::SetUp();
    ann_ = &join("ann");
    bob_ = &join("bob");
  }

  // Messages that push older ids out of the table.
  void send(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(request(*ann_, message(*bob_, "more")).has_sent());
  }
  double scans() { return metrics_.counter("godwit_dedup_log_scans_total", "Times a chat's log was read to look for a message id").Value(); }

  Device* ann_ = nullptr;
  Device* bob_ = nullptr;
};

TEST_F(OldIdsTest, Message_that_the_log_knows_is_answered_as_the_first_time) {
  const v1::ClientFrame first = message(*bob_, "first");
  const auto sent = request(*ann_, first);
  send(6);
  ASSERT_TRUE(checkpointer_->run_once());
  const auto again = request(*ann_, first);
  ASSERT_TRUE(again.has_sent()) << again.ShortDebugString();
  EXPECT_EQ(again.sent().chat_seq(), sent.sent().chat_seq());
  EXPECT_EQ(scans(), 1);
}

TEST_F(OldIdsTest, Several_old_messages_of_a_chat_cost_one_look_into_its_log) {
  std::vector<v1::ClientFrame> unsent;
  for (int i = 0; i < 3; ++i) unsent.push_back(message(*bob_, "written offline"));
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  send(6);
  ASSERT_TRUE(checkpointer_->run_once());
  std::uint64_t last = 6;
  for (const auto& frame : unsent) EXPECT_EQ(request(*ann_, frame).sent().chat_seq(), ++last);
  EXPECT_EQ(scans(), 1);
}

TEST_F(OldIdsTest, Nobody_claims_that_an_id_is_new_beyond_what_was_read) {
  const v1::ClientFrame first = message(*bob_, "first");
  ASSERT_TRUE(request(*ann_, first).has_sent());
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  send(14);
  ASSERT_TRUE(checkpointer_->run_once());
  EXPECT_EQ(code(request(*ann_, first)), v1::message_id_expired);
}

TEST_F(OldIdsTest, Looks_into_a_log_are_limited_and_new_messages_go_on) {
  std::vector<v1::ClientFrame> old;
  for (int i = 0; i < 12; ++i) {
    old.push_back(message(*bob_, "old"));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  send(14);
  ASSERT_TRUE(checkpointer_->run_once());
  int limited = 0;
  v1::ClientFrame trace;
  trace.mutable_trace_message()->set_chat(direct_chat_id(ann_->user, bob_->user).str());
  for (int i = 0; i < 12; ++i) {
    trace.mutable_trace_message()->set_id(make_message_id(clock_.wall_ms()).str());
    const auto reply = request(*ann_, trace);
    if (code(reply) == v1::rate_limited) {
      ++limited;
      EXPECT_GT(reply.error().retry_after_ms(), 0U);
    }
  }
  EXPECT_EQ(limited, 2);
  EXPECT_EQ(code(request(*ann_, old.front())), v1::rate_limited);
  EXPECT_TRUE(request(*ann_, message(*bob_, "new")).has_sent());
  trace.mutable_trace_message()->set_id(make_message_id(clock_.wall_ms()).str());
  EXPECT_EQ(code(request(*bob_, trace)), v1::message_not_found) << "another's are another's";
}

}  // namespace
}  // namespace godwit
