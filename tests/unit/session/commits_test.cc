// Commits on real workers: what meets in one turn, and what the journal refuses.
#include "session_fixture.h"

namespace godwit {
namespace {

class CommitsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    ann_ = &join("ann");
    bob_ = &join("bob");
  }

  v1::ClientFrame commit(std::uint64_t epoch, const std::string& info = {}, const std::string& payload = "commit") {
    v1::ClientFrame frame = message(*bob_, payload);
    frame.mutable_send()->mutable_commit()->set_ends_epoch(epoch);
    frame.mutable_send()->mutable_commit()->set_group_info(info);
    return frame;
  }

  // All that the device asks in one turn of its worker.
  std::vector<v1::ServerFrame> request_at_once(Device& d, std::vector<v1::ClientFrame> frames) {
    std::vector<std::string> encoded;
    const std::uint64_t first = d.next_request;
    for (v1::ClientFrame& frame : frames) {
      frame.set_request_id(d.next_request++);
      encoded.push_back(frame.SerializeAsString());
    }
    std::promise<void> done;
    d.link->worker().post([&] {
      for (std::string& bytes : encoded) d.session->on_message({bytes.data(), bytes.size()});
      done.set_value();
    });
    done.get_future().wait();
    std::vector<v1::ServerFrame> replies;
    for (std::uint64_t id = first; id < d.next_request; ++id) {
      const auto reply = await(d, [id](const auto& f) { return f.request_id() == id; });
      EXPECT_TRUE(reply);
      replies.push_back(reply.value_or(v1::ServerFrame()));
    }
    return replies;
  }

  v1::GroupInfo info(Device& d, Device& peer) {
    v1::ClientFrame frame;
    frame.mutable_get_group_info()->set_peer(peer.user.value);
    return request(d, frame).group_info();
  }

  Device* ann_ = nullptr;
  Device* bob_ = nullptr;
};

TEST_F(CommitsTest, Of_two_for_one_epoch_in_one_turn_the_first_wins) {
  const auto replies = request_at_once(*ann_, {commit(0, "first"), commit(0, "second"), message(*bob_, "after")});
  EXPECT_EQ(replies[0].sent().chat_seq(), 1U);
  EXPECT_EQ(code(replies[1]), v1::stale_epoch);
  EXPECT_EQ(replies[1].error().epoch(), 1U);
  EXPECT_EQ(replies[2].sent().chat_seq(), 2U);
  EXPECT_EQ(info(*bob_, *ann_).group_info(), "first");
}

TEST_F(CommitsTest, Commit_that_the_journal_refuses_leaves_the_epoch_and_no_hole) {
  // More than a segment of this test holds.
  v1::ClientFrame large = commit(0, std::string(1 << 20, 'i'));
  large.mutable_send()->mutable_commit()->set_ratchet_tree(std::string(1 << 20, 't'));
  const auto replies = request_at_once(*ann_, {message(*bob_, "before"), large, message(*bob_, "behind")});
  EXPECT_EQ(code(replies[0]), v1::too_large);
  EXPECT_EQ(code(replies[1]), v1::too_large);
  EXPECT_EQ(replies[2].sent().chat_seq(), 1U);
  EXPECT_EQ(info(*ann_, *bob_).epoch(), 0U);
  EXPECT_EQ(request(*ann_, commit(0, "small")).sent().chat_seq(), 2U);
  EXPECT_EQ(delivered(*bob_, 2), (std::vector<std::string>{"behind", "commit"}));
  EXPECT_EQ(info(*ann_, *bob_).group_info(), "small");
}

TEST_F(CommitsTest, What_waits_for_a_chat_is_bounded_in_bytes) {
  shards_.chat.max_held_chat_bytes = 100'000;
  restart();
  ann_ = &join("anna");
  bob_ = &join("bobby");
  // The first waits for Bob's account, then for the disk.
  const auto replies = request_at_once(
      *ann_, {commit(0), message(*bob_, std::string(60'000, 'x')), message(*bob_, std::string(60'000, 'y')), message(*bob_, "small")});
  EXPECT_EQ(replies[0].sent().chat_seq(), 1U);
  EXPECT_EQ(replies[1].sent().chat_seq(), 2U);
  EXPECT_EQ(code(replies[2]), v1::overloaded);
  EXPECT_GT(replies[2].error().retry_after_ms(), 0U);
  EXPECT_EQ(replies[3].sent().chat_seq(), 3U);
  // All of the room is given back.
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(request(*ann_, commit(1 + i, std::string(50'000, 'i'))).has_sent());
  }
  EXPECT_EQ(metrics_.gauge("godwit_chat_held_bytes", "Bytes of sends that wait for a look-up or a change of their chat").Value(), 0);
}

TEST_F(CommitsTest, Group_info_comes_from_memory_or_the_store_and_is_the_latest) {
  EXPECT_EQ(info(*ann_, *bob_).epoch(), 0U);
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
    const std::string left = epoch == 3 ? "" : "info " + std::to_string(epoch);
    ASSERT_TRUE(request(*ann_, commit(epoch, left)).has_sent());
    for (const bool stored : {false, true}) {
      if (stored) {
        ASSERT_TRUE(checkpointer_->run_once());
      }
      const v1::GroupInfo told = info(*bob_, *ann_);
      EXPECT_EQ(told.epoch(), epoch + 1);
      EXPECT_EQ(told.group_info(), left);
    }
  }
}

TEST_F(CommitsTest, Epoch_and_group_info_are_replayed) {
  ASSERT_TRUE(request(*ann_, commit(0, "info")).has_sent());
  const std::string token = ann_->token;
  auto key = std::move(ann_->key);
  const UserId bob = bob_->user;
  restart();
  Device& ann = connect();
  ann.key = std::move(key);
  ann.token = token;
  ASSERT_TRUE(hello(ann).has_welcome());
  v1::ClientFrame frame;
  frame.mutable_get_group_info()->set_peer(bob.value);
  const v1::ServerFrame reply = request(ann, frame);
  EXPECT_EQ(reply.group_info().epoch(), 1U);
  EXPECT_EQ(reply.group_info().group_info(), "info");
}

}  // namespace
}  // namespace godwit
