// A session on a recorder in place of its connection, above a real router, journal and store.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "auth/proof.h"
#include "base/random.h"
#include "chat/chat_id.h"
#include "godwit.pb.h"
#include "journal/local_journal.h"
#include "router/checkpointer.h"
#include "session/session.h"

namespace godwit {

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
  void allow_large_messages(std::uint64_t) override {}
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
  PeerInfo peer_{"127.0.0.1", "127.0.0.1", "", false, false};
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
    directory_ = std::filesystem::temp_directory_path() / ("godwit-session-" + hex(random_bytes(8)));
    std::filesystem::create_directories(directory_);
    shards_.chat.watermark_interval_ms = 1;
    shards_.inbox.max_entries = 50;
    shards_.key_log.key_file = directory_ / "key-log.key";
    options_.window_envelopes = 8;
    options_.max_open_requests = 16;
    start_server();
  }

  void TearDown() override {
    stop_server();
    std::filesystem::remove_all(directory_);
  }

  // A new process on the same directory; the devices of before are gone.
  void restart() {
    stop_server();
    start_server();
  }

  void start_server() {
    StoreOptions store;
    store.directory = directory_ / "store";
    store_ = std::make_unique<Store>(store, clock_, metrics_);
    readers_ = std::make_unique<ReaderPool>(1, metrics_);
    LocalJournalOptions journal;
    journal.directory = directory_ / "journal";
    journal.segment_bytes = 1 << 20;
    journal.min_free_bytes = 0;
    journal_ = std::make_unique<LocalJournal>(journal, metrics_);
    router_ = std::make_unique<Router>(2, shards_, clock_, *store_, *readers_, *journal_, metrics_);
    router_->recover();
    checkpointer_ =
        std::make_unique<Checkpointer>(*router_, *store_, *journal_, CheckpointOptions{1'000'000, 1ULL << 40}, metrics_);
    auth::TokenIssuer::Options issuer;
    issuer.key_file = directory_ / "keys.json";
    auth_.issuer = std::make_unique<auth::TokenIssuer>(issuer, clock_.wall_ms() / 1000);
    probe_ = std::make_unique<SessionProbe>(metrics_);
    std::vector<SessionHost*> all;
    for (unsigned i = 0; i < 2; ++i) {
      hosts_.push_back(std::make_unique<SessionHost>(i, *router_, clock_, *store_, *readers_, auth_, nullptr, *probe_,
                                                     options_));
      all.push_back(hosts_.back().get());
      router_->worker(i).add_end_of_turn([host = all.back()] { host->end_turn(); });
    }
    for (auto& host : hosts_) host->hosts = all;
    router_->start();
  }

  void stop_server() {
    router_->stop();
    devices_.clear();
    readers_->stop();
    hosts_.clear();
    checkpointer_.reset();
    router_.reset();
    journal_.reset();
    store_.reset();
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
  std::filesystem::path directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReaderPool> readers_;
  std::unique_ptr<LocalJournal> journal_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Checkpointer> checkpointer_;
  Authenticator auth_;
  std::unique_ptr<SessionProbe> probe_;
  ShardOptions shards_;
  SessionOptions options_;
  std::vector<std::unique_ptr<SessionHost>> hosts_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::uint64_t last_seq_ = 0;
};

}  // namespace godwit
