// A session on a recorder in place of its connection, above a real router, journal and store.
#include "session/session.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "auth/proof.h"
#include "base/random.h"
#include "chat/chat_id.h"
#include "godwit.pb.h"
#include "journal/local_journal.h"
#include "router/checkpointer.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;

// Keeps what the session sends; the test reads it from its own thread.
class Recorder final : public Link {
 public:
  explicit Recorder(Worker& worker) : worker_(&worker) {}

  std::string& start_message(std::size_t payload_bytes) override {
    flush();
    expected_ = payload_bytes;
    return buffer_;
  }
  std::size_t unsent_bytes() const override { return congested ? 1 << 30 : 0; }
  void close(CloseReason reason) override {
    flush();
    const std::lock_guard lock(mutex_);
    closed_ = reason;
  }
  void set_idle_timeout(std::uint32_t milliseconds) override { idle_ms = milliseconds; }
  void move_to(Worker& worker, Task then) override {
    worker_ = &worker;
    if (worker.is_current()) return then();
    worker.post(std::move(then));
  }
  Worker& worker() override { return *worker_; }
  const PeerInfo& peer() const override { return peer_; }

  void flush() {
    if (expected_ == 0) return;
    EXPECT_EQ(buffer_.size(), expected_);
    v1::ServerFrame frame;
    EXPECT_TRUE(frame.ParseFromString(buffer_));
    const std::lock_guard lock(mutex_);
    frames_.push_back(frame);
    buffer_.clear();
    expected_ = 0;
  }
  std::optional<v1::ServerFrame> take(const std::function<bool(const v1::ServerFrame&)>& wanted) {
    const std::lock_guard lock(mutex_);
    for (auto it = frames_.begin(); it != frames_.end(); ++it) {
      if (!wanted(*it)) continue;
      v1::ServerFrame found = *it;
      frames_.erase(it);
      return found;
    }
    return std::nullopt;
  }
  std::optional<CloseReason> closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  std::atomic<bool> congested{false};
  std::atomic<std::uint32_t> idle_ms{0};

 private:
  std::atomic<Worker*> worker_;
  PeerInfo peer_{"127.0.0.1", "", false, false};
  std::string buffer_;
  std::size_t expected_ = 0;
  std::mutex mutex_;
  std::vector<v1::ServerFrame> frames_;
  std::optional<CloseReason> closed_;
};

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    init_crypto();
    directory_ = fs::temp_directory_path() / ("godwit-session-" + hex(random_bytes(8)));
    fs::create_directories(directory_);
    StoreOptions store;
    store.directory = directory_ / "store";
    store_ = std::make_unique<Store>(store, clock_, metrics_);
    readers_ = std::make_unique<ReaderPool>(1, metrics_);
    LocalJournalOptions journal;
    journal.directory = directory_ / "journal";
    journal.segment_bytes = 1 << 20;
    journal.min_free_bytes = 0;
    journal_ = std::make_unique<LocalJournal>(journal, metrics_);
    ShardOptions shards;
    shards.chat.watermark_interval_ms = 1;
    shards.inbox.max_entries = 50;
    router_ = std::make_unique<Router>(2, shards, clock_, *store_, *readers_, *journal_, metrics_);
    router_->recover();
    checkpointer_ =
        std::make_unique<Checkpointer>(*router_, *store_, *journal_, CheckpointOptions{1'000'000, 1ULL << 40}, metrics_);
    auth::TokenIssuer::Options issuer;
    issuer.key_file = directory_ / "keys.json";
    auth_.issuer = std::make_unique<auth::TokenIssuer>(issuer, clock_.wall_ms() / 1000);
    probe_ = std::make_unique<SessionProbe>(metrics_);
    options_.window_envelopes = 8;
    options_.max_open_requests = 16;
    std::vector<SessionHost*> all;
    for (unsigned i = 0; i < 2; ++i) {
      hosts_.push_back(std::make_unique<SessionHost>(i, *router_, clock_, *store_, *readers_, auth_, nullptr, *probe_,
                                                     options_));
      all.push_back(hosts_.back().get());
    }
    for (auto& host : hosts_) host->hosts = all;
    router_->start();
  }

  void TearDown() override {
    router_->stop();
    devices_.clear();
    readers_->stop();
    hosts_.clear();
    router_.reset();
    checkpointer_.reset();
    fs::remove_all(directory_);
  }

  struct Device {
    std::unique_ptr<Recorder> link;
    std::unique_ptr<Session> session;
    auth::DeviceKey key = auth::DeviceKey::generate();
    std::string nonce;
    std::string token;
    UserId user;
    std::uint32_t id = 0;
    std::uint64_t next_request = 1;
  };

  Device& connect() {
    devices_.push_back(std::make_unique<Device>());
    Device& d = *devices_.back();
    open(d);
    return d;
  }

  void open(Device& d) {
    Worker& worker = router_->worker(0);
    std::promise<void> opened;
    worker.post([&] {
      d.session.reset();
      d.link = std::make_unique<Recorder>(worker);
      d.session = std::make_unique<Session>(*d.link, *hosts_[0]);
      d.session->on_open();
      d.link->flush();
      opened.set_value();
    });
    opened.get_future().wait();
    d.nonce = d.link->take([](const auto& f) { return f.has_challenge(); })->challenge().nonce();
  }

  // As if the connection had broken.
  void drop(Device& d) {
    std::promise<void> done;
    d.link->worker().post([&] {
      d.session->on_closed(CloseReason::gone);
      d.session.reset();
      done.set_value();
    });
    done.get_future().wait();
  }

  void input(Device& d, const v1::ClientFrame& frame) { input_bytes(d, frame.SerializeAsString()); }
  void input_bytes(Device& d, std::string bytes) {
    std::promise<void> done;
    d.link->worker().post([&] {
      d.session->on_message({bytes.data(), bytes.size()});
      done.set_value();
    });
    done.get_future().wait();
  }

  std::optional<v1::ServerFrame> await(Device& d, const std::function<bool(const v1::ServerFrame&)>& wanted) {
    for (int i = 0; i < 5'000; ++i) {
      std::promise<void> flushed;
      d.link->worker().post([&] {
        d.link->flush();
        flushed.set_value();
      });
      flushed.get_future().wait();
      if (auto frame = d.link->take(wanted)) return frame;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return std::nullopt;
  }

  v1::ServerFrame request(Device& d, v1::ClientFrame frame) {
    frame.set_request_id(d.next_request++);
    input(d, frame);
    const auto reply = await(d, [id = frame.request_id()](const auto& f) { return f.request_id() == id; });
    EXPECT_TRUE(reply) << frame.ShortDebugString();
    return reply.value_or(v1::ServerFrame());
  }

  void register_as(Device& d, const std::string& handle) {
    v1::ClientFrame frame;
    auto& asked = *frame.mutable_register_();
    asked.set_handle(handle);
    asked.set_device_key(d.key.public_key);
    asked.set_signature(d.key.sign(auth::register_input(d.nonce, d.key.public_key, handle)));
    const auto reply = request(d, frame);
    ASSERT_TRUE(reply.has_registered()) << reply.ShortDebugString();
    d.token = reply.registered().token();
    d.user = UserId(reply.registered().user_id());
    d.id = reply.registered().device_id();
  }

  v1::ServerFrame hello(Device& d, std::optional<std::uint64_t> cursor = std::nullopt) {
    v1::ClientFrame frame;
    auto& hello = *frame.mutable_hello();
    hello.set_token(d.token);
    hello.set_signature(d.key.sign(auth::hello_input(d.nonce, d.token)));
    if (cursor) hello.set_cursor(*cursor);
    return request(d, frame);
  }

  Device& join(const std::string& handle) {
    Device& d = connect();
    register_as(d, handle);
    EXPECT_TRUE(hello(d).has_welcome());
    return d;
  }

  v1::ClientFrame message(Device& to, const std::string& payload) {
    v1::ClientFrame frame;
    frame.mutable_send()->set_id(make_message_id(clock_.wall_ms()).str());
    frame.mutable_send()->set_to(to.user.value);
    frame.mutable_send()->set_payload(payload);
    return frame;
  }

  void ack(Device& d, std::uint64_t cursor) {
    v1::ClientFrame frame;
    frame.mutable_ack()->set_cursor(cursor);
    input(d, frame);
  }

  // Payloads delivered until `count` are there, or no more come.
  std::vector<std::string> delivered(Device& d, std::size_t count) {
    std::vector<std::string> payloads;
    while (payloads.size() < count) {
      const auto frame = await(d, [](const auto& f) { return f.has_deliver(); });
      if (!frame) break;
      for (const auto& e : frame->deliver().envelopes()) {
        payloads.push_back(e.payload());
        last_seq_ = e.seq();
      }
    }
    return payloads;
  }

  bool quiet(Device& d) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return !d.link->take([](const auto& f) { return f.has_deliver(); });
  }

  static v1::ErrorCode code(const v1::ServerFrame& frame) { return frame.error().code(); }

  SystemClock clock_;
  Metrics metrics_;
  fs::path directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReaderPool> readers_;
  std::unique_ptr<LocalJournal> journal_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Checkpointer> checkpointer_;
  Authenticator auth_;
  std::unique_ptr<SessionProbe> probe_;
  SessionOptions options_;
  std::vector<std::unique_ptr<SessionHost>> hosts_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::uint64_t last_seq_ = 0;
};

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
