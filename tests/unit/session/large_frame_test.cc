// Large requests: what is told of them before they are parsed, what they cost, and what of them is kept.
#include "session/large_frame.h"

#include <fstream>
#include <iterator>

#include "session_fixture.h"

namespace godwit {
namespace {

v1::ClientFrame empty_parts(int count) {
  v1::ClientFrame frame;
  frame.set_request_id(7);
  for (int i = 0; i < count; ++i) frame.mutable_claim_keys()->add_only();
  return frame;
}

template <class M>
void add_unknown(M& message, const std::string& bytes) {
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(99, bytes);
}

TEST(FrameOutline, Counts_parts_and_names_request_and_body) {
  v1::ClientFrame frame = empty_parts(0);
  frame.mutable_send()->set_payload("payload");
  auto& commit = *frame.mutable_send()->mutable_commit();
  for (int i = 0; i < 3; ++i) commit.add_joins()->set_user_id(1);
  const auto seen = outline_of(frame.SerializeAsString());
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->request_id, 7U);
  EXPECT_EQ(seen->body, v1::ClientFrame::kSend);
  EXPECT_EQ(seen->parts, 1U + 1 + 2 + 3 * 2);  // id, send, payload and commit, joins
}

TEST(FrameOutline, Payload_that_looks_like_a_message_is_one_part) {
  v1::ClientFrame frame;
  frame.mutable_send()->set_payload(std::string(100'000, 'x'));
  EXPECT_EQ(outline_of(frame.SerializeAsString())->parts, 2U);
}

TEST(FrameOutline, Unknown_fields_are_counted) {
  v1::ClientFrame frame;
  for (int i = 0; i < 100; ++i) add_unknown(*frame.mutable_send(), "");
  EXPECT_EQ(outline_of(frame.SerializeAsString())->parts, 101U);
}

TEST(FrameOutline, Counting_stops_at_the_bound) {
  EXPECT_EQ(outline_of(empty_parts(100'000).SerializeAsString())->parts, kMaxFrameParts + 1);
}

TEST(FrameOutline, Malformed_is_nothing) {
  const std::string whole = empty_parts(3).SerializeAsString();
  EXPECT_FALSE(outline_of(whole.substr(0, whole.size() - 1)));
  EXPECT_FALSE(outline_of(whole + '\0'));
  EXPECT_FALSE(outline_of(std::string(100, '\x0B')));  // groups in groups
}

TEST(FrameOutline, Json_is_counted_by_commas_and_its_id_is_found) {
  EXPECT_EQ(outline_of_json(R"({"requestId": "12", "claimKeys":{"only":[{},{},{}]}})").parts, 3U);
  EXPECT_EQ(outline_of_json(R"({"requestId": "12","ping":{}})").request_id, 12U);
  EXPECT_EQ(outline_of_json(R"({"request_id":12,"ping":{}})").request_id, 12U);
  EXPECT_EQ(outline_of_json(R"({"ping":{},"requestId":)").request_id, 0U);
  EXPECT_EQ(outline_of_json("").request_id, 0U);
}

class LargeFrameTest : public SessionTest {
 protected:
  // What the journal has on disk. The server starts anew before that: a running one renames files meanwhile, and a
  // listing may then miss one.
  std::string journal_bytes() {
    restart();
    std::string all;
    for (const auto& file : std::filesystem::directory_iterator(directory_ / "journal")) {
      std::ifstream in(file.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(in), {});
    }
    return all;
  }
  static std::size_t count(const std::string& bytes, const std::string& wanted) {
    std::size_t found = 0;
    for (auto at = bytes.find(wanted); at != std::string::npos; at = bytes.find(wanted, at + 1)) ++found;
    return found;
  }
};

TEST_F(LargeFrameTest, Many_parts_are_refused_and_the_connection_goes_on) {
  Device& ann = join("ann");
  EXPECT_EQ(code(request(ann, empty_parts(100'000))), v1::too_large);
  v1::ClientFrame ping;
  ping.mutable_ping();
  EXPECT_TRUE(request(ann, ping).has_pong());
}

TEST_F(LargeFrameTest, Request_that_needs_no_size_may_have_none) {
  Device& ann = join("ann");
  v1::ClientFrame ping;
  add_unknown(*ping.mutable_ping(), std::string(60'000, 'u'));
  EXPECT_TRUE(request(ann, ping).has_pong());
  add_unknown(*ping.mutable_ping(), std::string(60'000, 'u'));
  EXPECT_EQ(code(request(ann, ping)), v1::too_large);
}

TEST_F(LargeFrameTest, Size_is_charged_whatever_becomes_of_the_request) {
  options_.device_requests = {1, 20};
  restart();
  Device& ann = join("ann");
  Device& bob = join("bob");
  EXPECT_EQ(code(request(ann, message(bob, std::string(18 * 65'536, 'x')))), v1::too_large);
  const v1::ServerFrame second = request(ann, message(bob, std::string(18 * 65'536, 'x')));
  EXPECT_EQ(code(second), v1::rate_limited);
  EXPECT_GT(second.error().retry_after_ms(), 0U);
  EXPECT_TRUE(request(ann, message(bob, "small")).has_sent());
}

TEST_F(LargeFrameTest, Unknown_fields_are_not_kept) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  v1::ClientFrame frame = message(bob, "");
  auto& part = *frame.mutable_send()->add_device_payloads();
  part.set_user_id(bob.user.value);
  part.set_device_id(bob.id);
  part.set_payload("kept-payload");
  add_unknown(part, "unknown-field");
  ASSERT_TRUE(request(ann, frame).has_sent());

  frame = message(bob, "kept-commit");
  auto& commit = *frame.mutable_send()->mutable_commit();
  commit.set_welcome("kept-welcome");
  auto& joining = *commit.add_joins();
  joining.set_user_id(bob.user.value);
  joining.set_device_id(bob.id);
  add_unknown(joining, "unknown-field");
  ASSERT_TRUE(request(ann, frame).has_sent());

  frame = {};
  frame.mutable_create_group()->set_id(make_message_id(clock_.wall_ms()).str());
  frame.mutable_create_group()->set_name("kept-name");
  add_unknown(*frame.mutable_create_group()->mutable_settings(), "unknown-field");
  ASSERT_TRUE(request(ann, frame).has_group_changed());

  const std::string bytes = journal_bytes();
  for (const char* kept : {"kept-payload", "kept-commit", "kept-welcome", "kept-name"}) {
    EXPECT_GE(count(bytes, kept), 1U) << kept;
  }
  EXPECT_EQ(count(bytes, "unknown-field"), 0U);
}

TEST_F(LargeFrameTest, Device_that_a_commit_names_again_and_again_is_kept_once) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  v1::ClientFrame frame = message(bob, "commit");
  auto& commit = *frame.mutable_send()->mutable_commit();
  commit.set_welcome("welcome");
  for (int i = 0; i < 100; ++i) {
    auto& joining = *commit.add_joins();
    joining.set_user_id(bob.user.value);
    joining.set_device_id(bob.id);
  }
  const std::string encoded = commit.joins(0).SerializeAsString();
  ASSERT_TRUE(request(ann, frame).has_sent());
  EXPECT_EQ(count(journal_bytes(), encoded), 1U);
}

}  // namespace
}  // namespace godwit
