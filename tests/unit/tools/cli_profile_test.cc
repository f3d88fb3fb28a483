// The profile directory: what survives, and what a crash may take.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "godwit.pb.h"
#include "tools/cli/profile.h"

namespace godwit::cli {
namespace {

namespace fs = std::filesystem;

const UserId kSelf(10);
const UserId kPeer(20);

class ProfileTest : public testing::Test {
 protected:
  ProfileTest() {
    init_crypto();
    dir_ = fs::path(testing::TempDir()) /
           ("godwit_cli_profile_" + std::to_string(::getpid()) + "_" + hex(random_bytes(4)));
  }
  ~ProfileTest() override { fs::remove_all(dir_); }

  std::unique_ptr<Profile> open(std::uint64_t log_bytes = Profile::kLogBytes) {
    return std::make_unique<Profile>(dir_, log_bytes);
  }
  std::unique_ptr<Profile> open_registered() {
    auto profile = open();
    profile->account = make_account("ws://127.0.0.1:1/", "test");
    profile->account->user = kSelf;
    profile->account->device = DeviceId(1);
    profile->account->handle = "self";
    profile->save_account();
    return profile;
  }
  static v1::Envelope envelope(std::uint64_t seq, std::uint64_t chat_seq) {
    v1::Envelope e;
    e.set_seq(seq);
    e.set_id(make_message_id(1'700'000'000'000).str());
    e.set_from(kPeer.value);
    e.set_chat_seq(chat_seq);
    e.set_payload("sealed");
    return e;
  }
  static OutgoingMessage outgoing(std::string payload) {
    return {make_message_id(1'700'000'000'000), kPeer, std::move(payload)};
  }
  static std::vector<std::uint64_t> seqs(const MessageStore& store, std::uint64_t from = 0) {
    std::vector<std::uint64_t> found;
    store.scan(from, [&](const v1::Envelope& e, std::uint64_t) {
      found.push_back(e.seq());
      return true;
    });
    return found;
  }
  void damage(const std::string& file, std::int64_t offset_from_end) {
    std::fstream f(dir_ / file, std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(-offset_from_end, std::ios::end);
    f.put('\x5A');
  }

  fs::path dir_;
};

TEST_F(ProfileTest, account_reopened_has_the_same_key_and_ids) {
  std::string public_key;
  {
    auto profile = open_registered();
    profile->account->user = UserId(0xFFFFFFFFFFFFFFFF);
    profile->account->token = "a.b.c";
    profile->account->token_expires_ms = 123;
    profile->save_account();
    public_key = profile->account->key().public_key;
  }
  const auto profile = open();
  ASSERT_TRUE(profile->registered());
  EXPECT_EQ(profile->account->user, UserId(0xFFFFFFFFFFFFFFFF));
  EXPECT_EQ(profile->account->device, DeviceId(1));
  EXPECT_EQ(profile->account->token, "a.b.c");
  EXPECT_EQ(profile->account->key().public_key, public_key);
}

TEST_F(ProfileTest, files_are_closed_to_others) {
  auto profile = open_registered();
  profile->record(envelope(1, 1));
  profile->save_state();
  ASSERT_TRUE(profile->outbox().add(outgoing("x")));
  for (const auto& entry : fs::recursive_directory_iterator(dir_)) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0U) << entry.path();
  }
}

TEST_F(ProfileTest, damaged_account_is_reported_and_not_replaced) {
  { open_registered(); }
  { std::ofstream(dir_ / "account.json") << "{"; }
  EXPECT_THROW(open(), std::runtime_error);
  EXPECT_EQ(fs::file_size(dir_ / "account.json"), 1U);
}

TEST_F(ProfileTest, second_process_is_kept_out) {
  const auto profile = open();
  EXPECT_THROW(ProfileLock(dir_ / "lock", std::chrono::milliseconds(10)), std::runtime_error);
}

TEST_F(ProfileTest, state_reopened_is_the_state_saved) {
  {
    auto profile = open_registered();
    profile->state.cursor = 7;
    profile->state.clock_skew_ms = -5;
    profile->state.chats[kPeer] = {9, 8, 7, 6, 5, 6};
    profile->remember_handle(kPeer, "peer\x1b");
    profile->save_state();
  }
  const auto profile = open();
  EXPECT_EQ(profile->state.cursor, 7U);
  EXPECT_EQ(profile->state.clock_skew_ms, -5);
  const ChatState& chat = profile->state.chats.at(kPeer);
  EXPECT_EQ(chat.last_chat_seq, 9U);
  EXPECT_EQ(chat.peer_delivered, 8U);
  EXPECT_EQ(chat.peer_read, 7U);
  EXPECT_EQ(chat.own_delivered, 6U);
  EXPECT_EQ(chat.own_read, 5U);
  EXPECT_EQ(chat.read_wanted, 6U);
  EXPECT_EQ(profile->state.handles.at(kPeer), "peer\x1b");
}

TEST_F(ProfileTest, groups_reopened_are_the_groups_saved) {
  const ChatId group = ChatId::from("0123456789abcdef");
  {
    auto profile = open_registered();
    profile->remember_group(group, std::string("seal\0ed", 7), 4);
    profile->remember_group(group, "older", 3);
    profile->state.chats[ChatRef(group)].read_wanted = 8;
    profile->state.chats[kPeer].read_wanted = 2;
    profile->save_state();
  }
  const auto profile = open();
  EXPECT_EQ(profile->state.groups.at(group).sealed_name, std::string("seal\0ed", 7));
  EXPECT_EQ(profile->state.groups.at(group).version, 4U);
  EXPECT_EQ(profile->state.chats.at(ChatRef(group)).read_wanted, 8U);
  EXPECT_EQ(profile->state.chats.at(kPeer).read_wanted, 2U);
}

TEST_F(ProfileTest, message_of_a_group_counts_for_the_group_and_its_event_names_it) {
  const ChatId group = ChatId::from("0123456789abcdef");
  auto profile = open_registered();
  v1::Envelope event = envelope(1, 5);
  event.set_chat(group.str());
  event.mutable_event()->set_name("sealed");
  event.mutable_event()->set_version(2);
  profile->record(event);
  EXPECT_EQ(profile->state.chats.at(ChatRef(group)).last_chat_seq, 5U);
  EXPECT_FALSE(profile->state.chats.contains(kPeer));
  EXPECT_EQ(profile->state.groups.at(group).sealed_name, "sealed");
}

TEST_F(ProfileTest, message_to_a_group_waits_as_such_after_a_crash) {
  const ChatRef group(ChatId::from("0123456789abcdef"));
  OutgoingMessage message{make_message_id(1'700'000'000'000), group, "payload", 60};
  ASSERT_TRUE(open_registered()->outbox().add(message));
  const auto profile = open();
  ASSERT_EQ(profile->outbox().messages().size(), 1U);
  EXPECT_EQ(profile->outbox().messages().front().to, group);
  EXPECT_EQ(profile->outbox().messages().front().ttl_s, 60U);
  const v1::Send send = to_request(profile->outbox().messages().front());
  EXPECT_EQ(send.chat(), group.group.str());
  EXPECT_EQ(send.to(), 0U);
}

TEST_F(ProfileTest, messages_stored_before_a_crash_move_the_cursor_though_the_state_was_not_saved) {
  {
    auto profile = open_registered();
    profile->record(envelope(1, 1));
    profile->save_state();
    profile->record(envelope(2, 2));
    profile->record(envelope(5, 3));
    profile->store().sync();  // and here it dies
  }
  const auto profile = open();
  EXPECT_EQ(profile->state.cursor, 5U);
  EXPECT_EQ(profile->state.chats.at(kPeer).last_chat_seq, 3U);
  EXPECT_EQ(seqs(profile->store()), (std::vector<std::uint64_t>{1, 2, 5}));
}

TEST_F(ProfileTest, torn_last_record_is_cut_off_and_fetched_again) {
  {
    auto profile = open_registered();
    profile->record(envelope(1, 1));
    profile->record(envelope(2, 2));
    profile->store().sync();
  }
  fs::resize_file(dir_ / "messages.log", fs::file_size(dir_ / "messages.log") - 3);
  auto profile = open();
  EXPECT_EQ(profile->state.cursor, 1U);
  profile->record(envelope(2, 2));
  EXPECT_EQ(seqs(profile->store()), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(ProfileTest, changed_last_record_is_cut_off) {
  {
    auto profile = open_registered();
    profile->record(envelope(1, 1));
    profile->record(envelope(2, 2));
    profile->store().sync();
  }
  damage("messages.log", 1);
  EXPECT_EQ(open()->state.cursor, 1U);
}

TEST_F(ProfileTest, damage_in_the_middle_costs_one_record_only) {
  {
    auto profile = open_registered();
    for (std::uint64_t n = 1; n <= 3; ++n) profile->record(envelope(n, n));
    profile->save_state();
  }
  const auto third = static_cast<std::int64_t>(fs::file_size(dir_ / "messages.log") / 3);
  damage("messages.log", third + 1);
  EXPECT_EQ(seqs(open()->store()), (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(ProfileTest, scan_from_an_offset_sees_what_came_after_it) {
  auto profile = open_registered();
  profile->record(envelope(1, 1));
  const std::uint64_t end = profile->record(envelope(2, 2));
  profile->record(envelope(3, 3));
  EXPECT_EQ(seqs(profile->store(), end), (std::vector<std::uint64_t>{3}));
}

TEST_F(ProfileTest, log_is_rolled_over_when_large_and_shown_but_not_before) {
  {
    auto profile = open_registered();
    profile->record(envelope(1, 1));
    profile->save_state();
  }
  {
    auto profile = open(10);  // too large, but not shown
    EXPECT_EQ(seqs(profile->store()), (std::vector<std::uint64_t>{1}));
    profile->state.printed_offset = profile->store().size();
    profile->save_state();
  }
  auto profile = open(10);
  EXPECT_TRUE(seqs(profile->store()).empty());
  EXPECT_EQ(profile->state.cursor, 1U);
  profile->record(envelope(2, 2));
  profile->save_state();
  profile.reset();
  EXPECT_EQ(seqs(open()->store()), (std::vector<std::uint64_t>{2}));
}

TEST_F(ProfileTest, crash_between_roll_over_and_saving_loses_nothing) {
  {
    auto profile = open_registered();
    profile->record(envelope(1, 1));
    profile->state.printed_offset = profile->store().size();
    profile->save_state();
  }
  fs::rename(dir_ / "messages.log", dir_ / "messages.old.log");
  auto profile = open();
  EXPECT_EQ(profile->state.cursor, 1U);
  EXPECT_EQ(profile->state.printed_offset, 0U);
  profile->record(envelope(2, 2));
  EXPECT_EQ(seqs(profile->store(), profile->state.printed_offset), (std::vector<std::uint64_t>{2}));
}

TEST_F(ProfileTest, outbox_after_a_crash_holds_the_same_messages_in_order) {
  std::vector<OutgoingMessage> sent;
  {
    auto profile = open_registered();
    for (int i = 0; i < 12; ++i) {
      sent.push_back(outgoing("payload " + std::to_string(i)));
      ASSERT_TRUE(profile->outbox().add(sent.back()));
    }
    profile->outbox().remove(sent[3].id);  // acknowledged
  }
  sent.erase(sent.begin() + 3);
  { std::ofstream(dir_ / "outbox" / "99.tmp") << "half a mess"; }  // died while writing the next
  auto profile = open();
  const auto& found = profile->outbox().messages();
  ASSERT_EQ(found.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(found[i].id, sent[i].id);
    EXPECT_EQ(found[i].to, sent[i].to);
    EXPECT_EQ(found[i].payload, sent[i].payload);
  }
  const OutgoingMessage later = outgoing("later");
  ASSERT_TRUE(profile->outbox().add(later));
  profile.reset();
  EXPECT_EQ(open()->outbox().messages().back().id, later.id);
}

TEST_F(ProfileTest, outbox_takes_no_more_than_its_bound) {
  Outbox outbox(dir_ / "small", 3);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(outbox.add(outgoing("x")));
  EXPECT_FALSE(outbox.add(outgoing("x")));
  outbox.remove(outbox.messages().front().id);
  EXPECT_TRUE(outbox.add(outgoing("x")));
}

TEST_F(ProfileTest, own_message_is_found_by_its_id_whether_it_waits_or_was_sent) {
  auto profile = open_registered();
  const OutgoingMessage waiting = outgoing("waiting");
  ASSERT_TRUE(profile->outbox().add(waiting));
  v1::Envelope sent = envelope(0, 4);
  sent.set_from(kSelf.value);
  sent.set_to(kPeer.value);
  profile->record(sent);
  EXPECT_EQ(profile->find_own(waiting.id)->payload, "waiting");
  EXPECT_EQ(profile->find_own(MessageId::from(sent.id()))->payload, "sealed");
  EXPECT_EQ(profile->find_own(MessageId::from(sent.id()))->to, kPeer);
  EXPECT_FALSE(profile->find_own(MessageId::from(envelope(1, 1).id())));
  EXPECT_FALSE(profile->state.cursor) << "what this device sent is not from the inbox";
}

TEST_F(ProfileTest, erased_profile_keeps_nothing) {
  auto profile = open_registered();
  profile->record(envelope(1, 1));
  profile->save_state();
  ASSERT_TRUE(profile->outbox().add(outgoing("x")));
  profile->erase();
  profile.reset();
  profile = open();
  EXPECT_FALSE(profile->account);
  EXPECT_FALSE(profile->state.cursor);
  EXPECT_EQ(profile->store().size(), 0U);
  EXPECT_TRUE(profile->outbox().messages().empty());
}

}  // namespace
}  // namespace godwit::cli
