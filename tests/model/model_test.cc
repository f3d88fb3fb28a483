// Inbox, chat log, journal and store against a plain map: random sends, repeats, acknowledgements, checkpoints,
// orderly restarts and crashes. Everything that was acknowledged must be there, in order, once.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "../unit/journal/faulty_disk.h"
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
  explicit Engine(const fs::path& directory, DiskCalls disk = DiskCalls::real()) {
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
    journal_ = std::make_unique<LocalJournal>(journal, *metrics_, std::move(disk));
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

  static SendRequest direct(UserId from, UserId to, const MessageId& id, const std::string& payload) {
    SendRequest request;
    request.from = from;
    request.device = DeviceId(1);
    request.chat = direct_chat_id(from, to);
    request.to = to;
    request.id = id;
    request.payload = payload;
    return request;
  }

  Result<SentInfo> send(UserId from, UserId to, const MessageId& id, const std::string& payload) {
    return submit(direct(from, to, id, payload));
  }

  Result<SentInfo> submit(SendRequest request) {
    std::promise<Result<SentInfo>> sent;
    request.reply = [&](const Result<SentInfo>& result) { sent.set_value(result); };
    router_->on(request.chat, [request](Shard& shard) mutable { shard.chats().send(std::move(request)); });
    return sent.get_future().get();
  }

  // Hands all to the chat's worker within one turn; the outcomes in the same order, once all are there.
  std::vector<Errc> submit_together(std::vector<SendRequest> requests) {
    std::vector<std::promise<Errc>> outcomes(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      requests[i].reply = [&outcomes, i](const Result<SentInfo>& sent) {
        outcomes[i].set_value(sent ? Errc::ok : sent.error().code);
      };
    }
    router_->on(requests.front().chat, [&](Shard& shard) {
      for (SendRequest& request : requests) shard.chats().send(std::move(request));
    });
    std::vector<Errc> all;
    for (auto& outcome : outcomes) all.push_back(outcome.get_future().get());
    return all;
  }

  double metric(const std::string& series) {
    const std::string text = "\n" + metrics_->render();
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
  Router& router() { return *router_; }
  Journal& journal() { return *journal_; }

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
          PageEntry entry;
          entry.seq = seq;
          entry.envelope = (*inbox.in_tail(seq))->body.message().envelope();
          view.tail.push_back(std::move(entry));
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

  template <class F>
  static bool eventually(F condition) {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  // Expects what send_new() does of a message that was accepted otherwise.
  void note_sent(const SendRequest& request) {
    inboxes_[request.to].push_back(messages_.size());
    messages_.push_back({request.id, request.from, request.to, request.payload, ++chat_end_[request.chat]});
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

// While a worker is busy, the disk fills up with its records on their way, and is free again before the worker has
// heard of it. What the worker then decides builds on positions that do not exist.
TEST_F(Model, A_full_disk_leaves_no_hole_whenever_there_is_space_again) {
  FaultyDisk disk;
  DiskCalls calls = disk.calls();
  std::promise<void> filling;
  std::atomic<bool> blocked{false};
  calls.fill = [&, fill = calls.fill, done = filling.get_future().share()](int fd, std::uint64_t size) {
    if (blocked) done.wait();
    return fill(fd, size);
  };
  engine_ = std::make_unique<Engine>(directory_, calls);
  for (const std::string handle : {"ann", "bob"}) users_.push_back(engine_->create_user(handle));
  const UserId ann = users_[0];
  const UserId bob = users_[1];
  const ChatId chat = direct_chat_id(ann, bob);
  const auto message = [&](const std::string& payload) {
    return Engine::direct(ann, bob, make_message_id(SystemClock().wall_ms()), payload);
  };
  const SendRequest first = message("first");
  ASSERT_EQ(engine_->submit_together({first}), std::vector{Errc::ok});
  note_sent(first);
  ASSERT_TRUE(eventually([&] { return disk.fills() >= 3; }));  // the file in use, and two in reserve
  blocked = true;
  disk.fill_fails_with(ENOSPC);

  // More than the files have room for, in one turn.
  const Lsn before = engine_->journal().committed();
  std::vector<SendRequest> many;
  std::vector<std::promise<Errc>> outcomes(50);
  for (auto& outcome : outcomes) {
    many.push_back(message(std::string(100'000, 'x')));
    many.back().reply = [&](const Result<SentInfo>& sent) { outcome.set_value(sent ? Errc::ok : sent.error().code); };
  }
  engine_->router().on(chat, [&](Shard& shard) {
    for (const SendRequest& request : many) shard.chats().send(request);
  });
  ASSERT_TRUE(eventually([&] { return engine_->journal().committed() > before; }));

  const SendRequest late = message("late");
  std::promise<void> busy;
  std::promise<void> go_on;
  std::promise<Errc> late_outcome;
  engine_->router().on(chat, [&](Shard& shard) {
    busy.set_value();
    go_on.get_future().wait();
    SendRequest request = late;
    request.reply = [&](const Result<SentInfo>& sent) { late_outcome.set_value(sent ? Errc::ok : sent.error().code); };
    shard.chats().send(std::move(request));
  });
  busy.get_future().wait();
  const int fills = disk.fills();
  blocked = false;
  filling.set_value();
  ASSERT_TRUE(eventually([&] { return engine_->metric("godwit_journal_failed_records_total") > 0; }));
  disk.fill_fails_with(0);
  EXPECT_TRUE(eventually([&] { return disk.fills() >= fills + 3; }));  // one failed; of the others, one is ready
  go_on.set_value();

  for (std::size_t i = 0; i < many.size(); ++i) {
    if (outcomes[i].get_future().get() == Errc::ok) note_sent(many[i]);
  }
  EXPECT_GT(messages_.size(), 20u);
  EXPECT_LT(messages_.size(), 50u);
  EXPECT_EQ(late_outcome.get_future().get(), Errc::storage_unavailable);
  EXPECT_TRUE(eventually([&] { return engine_->journal().writable(); }));
  const SendRequest last = message("last");
  ASSERT_EQ(engine_->submit_together({last}), std::vector{Errc::ok});
  note_sent(last);
  check_inboxes();
  engine_ = nullptr;
  engine_ = std::make_unique<Engine>(directory_);
  check_inboxes();
  check_a_history();
}

// What waited for a change of a group is decided when all that was refused is taken back, not in between.
TEST_F(Model, A_refused_change_of_a_group_leaves_no_hole_when_what_came_before_it_is_refused_as_well) {
  engine_ = std::make_unique<Engine>(directory_);
  for (const std::string handle : {"ann", "bob"}) users_.push_back(engine_->create_user(handle));
  create_group();
  const auto request = [&](const std::string& payload) {
    SendRequest of_ann;
    of_ann.from = users_[0];
    of_ann.device = DeviceId(1);
    of_ann.chat = kGroup;
    of_ann.id = make_message_id(SystemClock().wall_ms());
    of_ann.payload = payload;
    return of_ann;
  };
  GroupAction add;
  add.add = {users_[1]};
  SendRequest change = request("");
  change.action = std::make_shared<GroupAction>(add);
  // No segment has room for the first, so the journal refuses all that was decided in the same turn.
  const auto outcomes = engine_->submit_together({request(std::string(2 << 20, 'x')), change, request("waits")});
  EXPECT_EQ(outcomes, (std::vector{Errc::too_large, Errc::too_large, Errc::ok}));
  ++chat_end_[kGroup];
  post_to_group();
  engine_ = nullptr;
  engine_ = std::make_unique<Engine>(directory_);
  post_to_group();
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
