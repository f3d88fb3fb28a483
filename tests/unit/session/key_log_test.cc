// The key log as clients see it, over two workers, a real journal and a real store.
#include "base/ed25519_key.h"
#include "session_fixture.h"
#include "transparency/log_key.h"
#include "transparency/merkle.h"

namespace godwit {
namespace {

TreeHash hash_of(const std::string& bytes) {
  TreeHash hash{};
  EXPECT_EQ(bytes.size(), hash.size());
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

std::vector<TreeHash> hashes_of(const google::protobuf::RepeatedPtrField<std::string>& wire) {
  std::vector<TreeHash> out;
  for (const std::string& one : wire) out.push_back(hash_of(one));
  return out;
}

class KeyLogSessionTest : public SessionTest {
 protected:
  void append(UserId user, std::uint64_t version) {
    auto record = std::make_shared<Record>();
    auto& changed = *record->body.mutable_identity_changed();
    changed.set_user(user.value);
    changed.set_version(version);
    auto& device = *changed.add_devices();
    device.set_device_id(1);
    device.set_device_key(std::string(32, 'd'));
    device.set_identity_key(std::string(32, 'i'));
    std::promise<Errc> done;
    router_->on(kKeyLogName, [&](Shard& shard) {
      shard.key_log().append(record, 0, [&](const Result<std::uint64_t>& index) {
        done.set_value(index ? Errc::ok : index.error().code);
      });
    });
    ASSERT_EQ(done.get_future().get(), Errc::ok);
  }
  v1::ServerFrame head(Device& d, std::uint64_t since) {
    v1::ClientFrame frame;
    frame.mutable_get_tree_head()->set_log_size(since);
    return request(d, frame);
  }
  static v1::ClientFrame asked_list(std::uint64_t from, std::uint32_t limit, UserId user = {}) {
    v1::ClientFrame frame;
    frame.mutable_list_key_log()->set_from(from);
    frame.mutable_list_key_log()->set_limit(limit);
    frame.mutable_list_key_log()->set_user_id(user.value);
    return frame;
  }
  static void expect_signed(const v1::TreeHead& head, const std::string& log_key) {
    EXPECT_TRUE(verify_ed25519(log_key, head_bytes(head.size(), head.root(), head.time_ms()), head.signature()));
  }
};

TEST_F(KeyLogSessionTest, heads_are_signed_by_the_key_of_welcome_and_continue_one_another) {
  Device& ann = connect();
  register_as(ann, "ann");
  const v1::ServerFrame welcome = hello(ann);
  const std::string key = welcome.welcome().log_key();
  EXPECT_EQ(welcome.welcome().log_size(), 0U);
  const v1::TreeHead empty = head(ann, 0).tree_head();
  EXPECT_EQ(empty.size(), 0U);
  expect_signed(empty, key);
  for (std::uint64_t version = 1; version <= 3; ++version) append(ann.user, version);
  const v1::TreeHead third = head(ann, 0).tree_head();
  EXPECT_EQ(third.size(), 3U);
  expect_signed(third, key);
  for (std::uint64_t version = 4; version <= 9; ++version) append(ann.user, version);
  const v1::TreeHead ninth = head(ann, 3).tree_head();
  EXPECT_TRUE(verify_consistency(3, hash_of(third.root()), 9, hash_of(ninth.root()), hashes_of(ninth.consistency())));
  EXPECT_EQ(code(head(ann, 10)), v1::invalid_argument);
}

TEST_F(KeyLogSessionTest, pages_are_proved_also_those_of_the_store) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  for (std::uint64_t version = 1; version <= 5; ++version) {
    append(ann.user, version);
    append(bob.user, version);
    if (version == 3) {
      ASSERT_TRUE(checkpointer_->run_once());
    }
  }
  for (const UserId user : {UserId(), ann.user}) {
    std::uint64_t from = 0;
    std::size_t count = 0;
    for (bool more = true; more;) {
      const v1::ServerFrame reply = request(bob, asked_list(from, 3, user));
      const v1::KeyLogPage& page = reply.key_log_page();
      ASSERT_GT(page.entries_size(), 0) << reply.ShortDebugString();
      std::vector<ProvedLeaf> leaves;
      for (const v1::KeyLogEntry& wire : page.entries()) {
        KeyLogEntry entry;
        entry.user = UserId(wire.user_id());
        entry.version = wire.version();
        entry.time_ms = wire.time_ms();
        entry.previous = wire.previous();
        for (const v1::KeyLogDevice& device : wire.devices()) {
          entry.devices.push_back({DeviceId(device.device_id()), device.device_key(), device.identity_key()});
        }
        leaves.push_back({wire.index(), entry.leaf()});
        EXPECT_TRUE(!user || entry.user == user);
      }
      EXPECT_TRUE(verify_inclusion(leaves, page.head().size(), hash_of(page.head().root()), hashes_of(page.proof())));
      count += leaves.size();
      from = user ? page.entries().rbegin()->version() + 1 : page.entries().rbegin()->index() + 1;
      more = page.more();
    }
    EXPECT_EQ(count, user ? 5U : 10U);
  }
}

TEST_F(KeyLogSessionTest, one_page_at_a_time_on_a_connection) {
  Device& ann = join("ann");
  append(ann.user, 1);
  ASSERT_TRUE(checkpointer_->run_once());
  // Nothing is read of the store while its only reader is held up.
  std::promise<void> go;
  readers_->post([held = go.get_future().share()] { held.wait(); });
  v1::ClientFrame first = asked_list(0, 1);
  first.set_request_id(ann.next_request++);
  input(ann, first);
  EXPECT_EQ(code(request(ann, asked_list(0, 1))), v1::too_many_requests_open);
  go.set_value();
  EXPECT_TRUE(await(ann, [&](const auto& f) { return f.request_id() == first.request_id(); })->has_key_log_page());
  EXPECT_TRUE(request(ann, asked_list(0, 1)).has_key_log_page());
}

}  // namespace
}  // namespace godwit
