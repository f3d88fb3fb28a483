// Inbox, chat log, journal and store against a plain map: random sends, repeats, acknowledgements, checkpoints,
// orderly restarts and crashes. Everything that was acknowledged must be there, in order, once.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/random.h"
#include "chat/chat_id.h"
#include "godwit.pb.h"
#include "inbox/page.h"
#include "journal/local_journal.h"
#include "protocol/codec.h"
#include "router/checkpointer.h"
#include "router/router.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;

// A server without sessions, on a real directory.
class Engine {
 public:
  explicit Engine(const fs::path& directory) {
    metrics_ = std::make_unique<Metrics>();
    StoreOptions store;
    store.directory = directory / "store";
    store.block_cache_bytes = 8 << 20;
    store_ = std::make_unique<Store>(store, clock_, *metrics_);
    readers_ = std::make_unique<ReaderPool>(2, *metrics_);
    LocalJournalOptions journal;
    journal.directory = directory / "journal";
    journal.segment_bytes = 1 << 20;
    journal.min_free_bytes = 0;
    journal_ = std::make_unique<LocalJournal>(journal, *metrics_);
    ShardOptions options;
    options.key_log.key_file = directory / "key-log.key";
    options.chat.group_messages_per_s = 0;
    options.chat.group_sender_messages_per_s = 0;
    // Small, so that rows are evicted and ids forgotten while the test looks on.
    options.cached_inboxes = 4;
    options.account.cached_users = 4;
    options.chat.cached_chats = 4;
    options.chat.dedup_entries = 64;
    options.chat.watermark_interval_ms = 1;
    router_ = std::make_unique<Router>(2, options, clock_, *store_, *readers_, *journal_, *metrics_);
    router_->recover();
    checkpointer_ =
        std::make_unique<Checkpointer>(*router_, *store_, *journal_, CheckpointOptions{1'000'000, 1ULL << 40}, *metrics_);
    router_->start();
  }

  // A crash takes no last checkpoint: the next start replays.
  ~Engine() {
    router_->stop();
    readers_->stop();
  }

  bool checkpoint() { return checkpointer_->run_once(); }

  UserId create_user(const std::string& handle) {
    std::promise<UserId> made;
    router_->on(std::string_view(handle), [&](Shard& shard) {
      shard.accounts().create({handle, std::string(32, 'k'), "test", {}},
                              [&](const Result<UserId>& user) { made.set_value(user ? *user : UserId()); });
    });
    return made.get_future().get();
  }

  Result<SentInfo> send(UserId from, UserId to, const MessageId& id, const std::string& payload) {
    SendRequest request;
    request.from = from;
    request.device = DeviceId(1);
    request.chat = direct_chat_id(from, to);
    request.to = to;
    request.id = id;
    request.payload = payload;
    return submit(std::move(request));
  }

  Result<SentInfo> submit(SendRequest request) {
    std::promise<Result<SentInfo>> sent;
    request.reply = [&](const Result<SentInfo>& result) { sent.set_value(result); };
    router_->on(request.chat, [request](Shard& shard) mutable { shard.chats().send(std::move(request)); });
    return sent.get_future().get();
  }

  // What a device that has `cursor` would be delivered: tail and store as one.
  std::vector<PageEntry> unread(UserId user, std::uint64_t cursor) {
    struct View {
      std::uint64_t stored_end = 0;
      std::vector<PageEntry> tail;
      std::uint64_t end = 0;
    };
    std::promise<View> seen;
    router_->on(user, [&](Shard& shard) {
      shard.inboxes().with(user, [&](Inbox& inbox) {
        View view{inbox.stored_end(), {}, inbox.end()};
        for (std::uint64_t seq = std::max(cursor + 1, inbox.tail_first()); seq <= inbox.end(); ++seq) {
          view.tail.push_back({seq, (*inbox.in_tail(seq))->body.message().envelope()});
        }
        seen.set_value(std::move(view));
      });
    });
    View view = seen.get_future().get();
    std::vector<PageEntry> entries;
    std::uint64_t next = cursor + 1;
    while (next <= view.stored_end) {
      PageRequest request;
      request.user = user;
      request.first = next;
      request.last = view.stored_end;
      request.max_entries = 7;
      const InboxPage page = read_inbox(*store_, router_->map(), request);
      for (const PageEntry& entry : page.entries) {
        if (view.tail.empty() || entry.seq < view.tail.front().seq) entries.push_back(entry);
      }
      next = page.through + 1;
    }
    entries.insert(entries.end(), view.tail.begin(), view.tail.end());
    EXPECT_EQ(entries.size(), view.end - cursor) << "the inbox has holes";
    return entries;
  }

  void acknowledge(UserId user, std::uint64_t cursor) {
    std::promise<void> done;
    router_->on(user, [&](Shard& shard) {
      shard.inboxes().with(user, [&](Inbox& inbox) {
        EXPECT_TRUE(inbox.acknowledge(DeviceId(1), cursor, inbox.end()));
        shard.inboxes().mark_dirty(user);
        done.set_value();
      });
    });
    done.get_future().wait();
  }

  HistoryResult history(UserId reader, UserId peer, std::uint64_t before, std::uint32_t limit) {
    std::promise<HistoryResult> page;
    HistoryRequest request;
    request.reader = reader;
    request.chat = direct_chat_id(reader, peer);
    request.before = before;
    request.limit = limit;
    router_->on(direct_chat_id(reader, peer), [&](Shard& shard) {
      shard.chats().history(request, [&](const Result<HistoryResult>& result) { page.set_value(*result); });
    });
    return page.get_future().get();
  }

 private:
  SystemClock clock_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReaderPool> readers_;
  std::unique_ptr<LocalJournal> journal_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Checkpointer> checkpointer_;
};

class Model : public ::testing::Test {
 protected:
  static constexpr int kUsers = 6;
  const ChatId kGroup = ChatId::from("any sixteen byte");

  void SetUp() override {
    init_crypto();
    directory_ = fs::temp_directory_path() / ("godwit-model-" + hex(random_bytes(8)));
    fs::create_directories(directory_);
    const char* fixed = std::getenv("GODWIT_SEED");
    seed_ = fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : random_u64();
    std::cout << "GODWIT_SEED=" << seed_ << std::endl;
    random_.seed(seed_);
  }
  void TearDown() override {
    engine_.reset();
    fs::remove_all(directory_);
  }

  struct Message {
    MessageId id;
    UserId from;
    UserId to;
    std::string payload;
    std::uint64_t chat_seq = 0;
    std::int64_t delta = 0;
    bool group = false;
  };

  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  void send_new() {
    Message m;
    m.from = users_[static_cast<std::size_t>(pick(kUsers))];
    do {
      m.to = users_[static_cast<std::size_t>(pick(kUsers))];
    } while (m.to == m.from);
    m.id = make_message_id(SystemClock().wall_ms() + pick(120'000) - 60'000);
    m.payload = "payload " + std::to_string(messages_.size());
    const auto sent = engine_->send(m.from, m.to, m.id, m.payload);
    ASSERT_TRUE(sent);
    m.chat_seq = sent->chat_seq.value;
    m.delta = sent->time_delta_ms;
    EXPECT_EQ(m.chat_seq, ++chat_end_[direct_chat_id(m.from, m.to)]);
    inboxes_[m.to].push_back(messages_.size());
    messages_.push_back(m);
  }

  // In the one group, whose owner is the first user: a message, or (with an action) a change.
  void group_operation(UserId from, const std::string& payload, const std::optional<GroupAction>& action,
                       const std::set<UserId>& recipients) {
    Message m{make_message_id(SystemClock().wall_ms()), from, {}, payload, 0, 0, true};
    SendRequest request;
    request.from = from;
    request.device = DeviceId(1);
    request.chat = kGroup;
    request.id = m.id;
    request.payload = payload;
    if (action) request.action = std::make_shared<GroupAction>(*action);
    const auto sent = engine_->submit(std::move(request));
    ASSERT_TRUE(sent);
    m.chat_seq = sent->chat_seq.value;
    EXPECT_EQ(m.chat_seq, ++chat_end_[kGroup]);
    for (const UserId user : recipients) inboxes_[user].push_back(messages_.size());
    messages_.push_back(m);
  }

  void create_group() {
    GroupAction create;
    create.kind = GroupAction::Kind::create;
    create.settings = std::make_shared<v1::GroupSettings>();
    members_ = {users_[0]};
    group_operation(users_[0], "", create, members_);
  }

  void post_to_group() {
    const UserId from = *std::next(members_.begin(), pick(static_cast<int>(members_.size())));
    std::set<UserId> recipients = members_;
    recipients.erase(from);
    group_operation(from, "group payload " + std::to_string(messages_.size()), std::nullopt, recipients);
  }

  void change_members() {
    const UserId user = users_[static_cast<std::size_t>(1 + pick(kUsers - 1))];
    GroupAction action;
    std::set<UserId> told = members_;
    told.insert(user);
    (members_.contains(user) ? action.remove : action.add) = {user};
    group_operation(users_[0], "", action, told);
    if (!members_.insert(user).second) members_.erase(user);
  }

  void send_again() {
    if (messages_.empty()) return;
    const Message& m = messages_[static_cast<std::size_t>(pick(static_cast<int>(messages_.size())))];
    if (m.group) return;
    const auto again = engine_->send(m.from, m.to, m.id, m.payload);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->chat_seq.value, m.chat_seq);
    EXPECT_EQ(again->time_delta_ms, m.delta);
    const auto other = engine_->send(m.from, m.to, m.id, m.payload + "!");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Errc::message_id_reused);
  }

  void acknowledge_some() {
    const UserId user = users_[static_cast<std::size_t>(pick(kUsers))];
    const std::uint64_t end = inboxes_[user].size();
    std::uint64_t& cursor = cursors_[user];
    if (end == cursor) return;
    cursor += 1 + static_cast<std::uint64_t>(pick(static_cast<int>(end - cursor)));
    engine_->acknowledge(user, cursor);
  }

  void check_inboxes() {
    for (const UserId user : users_) {
      const auto& expected = inboxes_[user];
      const std::uint64_t cursor = cursors_[user];
      const auto entries = engine_->unread(user, cursor);
      ASSERT_EQ(entries.size(), expected.size() - cursor);
      for (std::size_t i = 0; i < entries.size(); ++i) {
        const Message& m = messages_[expected[cursor + i]];
        const auto view = parse_envelope(entries[i].envelope);
        ASSERT_TRUE(view);
        EXPECT_EQ(entries[i].seq, cursor + i + 1);
        EXPECT_EQ(view->id, m.id);
        EXPECT_EQ(view->chat_seq.value, m.chat_seq);
        EXPECT_EQ(view->payload, m.payload);
      }
    }
  }

  void check_a_history() {
    if (messages_.empty()) return;
    const Message& m = messages_[static_cast<std::size_t>(pick(static_cast<int>(messages_.size())))];
    if (m.group) return;
    const auto page = engine_->history(m.to, m.from, m.chat_seq + 1, 5);
    ASSERT_FALSE(page.entries.empty());
    const auto view = parse_envelope(page.entries.back().envelope);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->chat_seq.value, m.chat_seq);
    EXPECT_EQ(view->payload, m.payload);
    EXPECT_EQ(page.entries.size(), std::min<std::uint64_t>(5, m.chat_seq));
    EXPECT_EQ(page.chat_end, chat_end_[direct_chat_id(m.from, m.to)]);
  }

  fs::path directory_;
  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
  std::unique_ptr<Engine> engine_;
  std::vector<UserId> users_;
  std::vector<Message> messages_;
  std::map<UserId, std::vector<std::size_t>> inboxes_;
  std::map<UserId, std::uint64_t> cursors_;
  std::map<ChatId, std::uint64_t> chat_end_;
  std::set<UserId> members_;
};

TEST_F(Model, Random_operations_with_restarts_and_crashes_equal_a_plain_map) {
  engine_ = std::make_unique<Engine>(directory_);
  for (int i = 0; i < kUsers; ++i) {
    users_.push_back(engine_->create_user("user" + std::to_string(i)));
    ASSERT_TRUE(users_.back());
  }
  create_group();
  const int rounds = std::getenv("GODWIT_NIGHTLY") != nullptr ? 20'000 : 1'500;
  for (int round = 0; round < rounds && !HasFatalFailure(); ++round) {
    const int what = pick(100);
    if (what < 35) {
      send_new();
    } else if (what < 52) {
      post_to_group();
    } else if (what < 60) {
      change_members();
    } else if (what < 75) {
      send_again();
    } else if (what < 88) {
      acknowledge_some();
    } else if (what < 92) {
      ASSERT_TRUE(engine_->checkpoint());
    } else if (what < 95) {
      check_a_history();
    } else if (what < 98) {
      check_inboxes();
    } else {
      // Acknowledgements of the last moments may be forgotten by a crash; devices then say where they are.
      if (pick(2) == 0) {
        ASSERT_TRUE(engine_->checkpoint());
      }
      engine_.reset();
      engine_ = std::make_unique<Engine>(directory_);
    }
  }
  check_inboxes();
}

TEST_F(Model, Handles_stay_unique_across_a_crash) {
  engine_ = std::make_unique<Engine>(directory_);
  const UserId ann = engine_->create_user("ann");
  ASSERT_TRUE(ann);
  EXPECT_FALSE(engine_->create_user("ann"));
  engine_.reset();
  engine_ = std::make_unique<Engine>(directory_);
  EXPECT_FALSE(engine_->create_user("ann"));
  ASSERT_TRUE(engine_->checkpoint());
  engine_.reset();
  engine_ = std::make_unique<Engine>(directory_);
  EXPECT_FALSE(engine_->create_user("ann"));
}

TEST_F(Model, A_message_to_nobody_is_refused) {
  engine_ = std::make_unique<Engine>(directory_);
  const UserId ann = engine_->create_user("ann");
  const auto sent = engine_->send(ann, UserId(12345), make_message_id(SystemClock().wall_ms()), "hello");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::user_not_found);
}

TEST_F(Model, Message_ids_from_the_far_past_and_future_are_refused) {
  engine_ = std::make_unique<Engine>(directory_);
  const UserId ann = engine_->create_user("ann");
  const UserId bob = engine_->create_user("bob");
  const std::int64_t now = SystemClock().wall_ms();
  for (const std::int64_t time : {std::int64_t{now - 8LL * 24 * 3600 * 1000}, std::int64_t{now + 3600 * 1000}}) {
    const auto sent = engine_->send(ann, bob, make_message_id(time), "hello");
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, Errc::message_id_expired);
  }
}

}  // namespace
}  // namespace godwit
