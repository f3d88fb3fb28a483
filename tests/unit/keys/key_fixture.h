// The keys of users on one worker, above a real store. The journal is the test's: it commits, refuses or waits.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "key_package_builder.h"
#include "keys/key_service.h"

namespace godwit {

inline constexpr UserId kAnn{101};
inline constexpr UserId kBob{102};
inline constexpr UserId kCat{103};
inline constexpr DeviceId kPhone{1};
inline constexpr DeviceId kDesk{2};

class KeyFixture : public ::testing::Test, public Journal {
 protected:
  KeyFixture() {
    init_crypto();
    directory_ = std::filesystem::temp_directory_path() / ("godwit-keys-" + hex(random_bytes(8)));
    StoreOptions options;
    options.directory = directory_ / "store";
    store_ = std::make_unique<Store>(options, clock_, metrics_);
    map_ = {store_->partitions(), 1};
    for (const UserId user : {kAnn, kBob, kCat}) {
      for (const DeviceId device : {kPhone, kDesk}) {
        device_keys_.emplace(std::pair(user, device), Ed25519Key::generate());
        KeyOwner::Device row;
        row.id = device;
        row.key = device_keys_.at({user, device}).public_key;
        owners_[user].devices.push_back(row);
      }
      owners_[user].exists = true;
    }
    begin();
  }
  ~KeyFixture() override {
    end();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  // A process: the service as it finds the store.
  void begin() {
    readers_ = std::make_unique<ReaderPool>(2, metrics_);
    verify_ = std::make_unique<VerifyQueue>(*readers_, verify_bytes_, metrics_);
    claims_ = std::make_unique<ClaimBudget>(claims_bytes_, metrics_);
    worker_ = std::make_unique<Worker>(0);
    writer_ = std::make_unique<RecordWriter>(*this, map_);
    service_ = std::make_unique<KeyService>(wiring(), options_, metrics_);
    worker_->add_end_of_turn([this] {
      service_->end_turn();
      const auto [refused, outcome] = writer_->flush();
      for (const RecordPtr& record : refused) {
        worker_->post([record = record, outcome = outcome] { std::exchange(record->done, nullptr)(*record, outcome); });
      }
      service_->users().flush_loads();
    });
    worker_->start();
  }
  void end() {
    worker_->stop();
    worker_->join();
    readers_->stop();
    service_.reset();
    worker_.reset();
  }

  KeyWiring wiring() {
    return {*worker_, map_, clock_, *store_, *readers_, *writer_, *verify_, *claims_,
            [this](UserId user, std::function<void(const KeyOwner&)> reply) { reply(owners_[user]); },
            [this](RecordPtr record, std::function<void(Errc)> reply) {
              record->body.mutable_identity_changed()->set_log_index(log_size_++);
              record->done_worker = 0;
              record->done = [reply = std::move(reply)](const Record&, Errc outcome) { reply(outcome); };
              writer_->add(std::move(record));
            },
            [this](UserId user, DeviceId device, std::string_view bytes) {
              v1::ServerFrame frame;
              EXPECT_TRUE(frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
              pushed_.emplace_back(user, device, frame.key_stock());
            },
            [this](UserId, std::function<void(KeyService&)> fn) { fn(*service_); }};
  }

  // Journal. On the worker.
  void recover(Lsn, const Replay&) override {}
  void start(Sink) override {}
  Errc append(const Batch& records) override {
    if (refusing_) return Errc::overloaded;
    waiting_.insert(waiting_.end(), records.begin(), records.end());
    if (!holding_) commit();
    return Errc::ok;
  }
  void undone() override {}
  void trim(Lsn) override {}
  void seal() override {}
  bool writable() const override { return writable_; }
  std::uint64_t incarnation() const override { return 1; }
  Lsn committed() const override { return Lsn(lsn_); }
  void stop() override {}

  // What waits is committed, or lost. On the worker.
  void commit(Errc outcome = Errc::ok) {
    for (const RecordPtr& record : std::exchange(waiting_, {})) {
      worker_->post([this, record, outcome] {
        if (outcome == Errc::ok) {
          record->lsn = Lsn(++lsn_);
          records_.push_back(record);
          service_->applied(record);
        }
        if (record->done) std::exchange(record->done, nullptr)(*record, outcome);
      });
    }
  }

  // Runs on the worker, and waits.
  template <class F>
  void on_worker(F fn) {
    std::promise<void> done;
    worker_->post([&] {
      fn();
      done.set_value();
    });
    done.get_future().wait();
  }

  template <class T>
  using Answer = std::shared_ptr<std::promise<Result<T>>>;
  template <class T>
  static Result<T> wait(const Answer<T>& answer) {
    auto future = answer->get_future();
    if (future.wait_for(std::chrono::seconds(20)) != std::future_status::ready) return Errc::internal;
    return future.get();
  }

  Answer<v1::KeyStock> start_publish(UserId user, DeviceId device, const v1::PublishKeys& keys) {
    auto answer = std::make_shared<std::promise<Result<v1::KeyStock>>>();
    on_worker([&] {
      service_->publish(user, device, keys, [answer](const Result<v1::KeyStock>& stock) { answer->set_value(stock); });
    });
    return answer;
  }
  Result<v1::KeyStock> publish(UserId user, DeviceId device, const v1::PublishKeys& keys) {
    return wait(start_publish(user, device, keys));
  }

  static KeyClaim claim_of(UserId claimer, std::vector<UserId> users, std::size_t max_bytes = 1 << 20) {
    KeyClaim claim;
    claim.claimer = claimer;
    claim.device = kPhone;
    claim.users = std::move(users);
    claim.key_packages = true;
    claim.max_bytes = max_bytes;
    return claim;
  }
  Answer<v1::ClaimedKeys> start_claim(const KeyClaim& claim) {
    auto answer = std::make_shared<std::promise<Result<v1::ClaimedKeys>>>();
    on_worker([&] {
      service_->claim(claim, [answer](const Result<ClaimedPtr>& claimed) {
        answer->set_value(claimed ? Result<v1::ClaimedKeys>((*claimed)->keys) : claimed.error());
      });
    });
    return answer;
  }
  Answer<v1::ClaimedKeys> start_claim(UserId claimer, std::vector<UserId> users, std::size_t max_bytes = 1 << 20) {
    return start_claim(claim_of(claimer, std::move(users), max_bytes));
  }
  Result<v1::ClaimedKeys> claim(UserId claimer, std::vector<UserId> users, std::size_t max_bytes = 1 << 20) {
    return wait(start_claim(claimer, std::move(users), max_bytes));
  }
  // The key package of the first device of the first user; empty when there is none.
  static std::string package_of(const Result<v1::ClaimedKeys>& claimed) {
    return claimed && claimed->users_size() > 0 ? claimed->users(0).devices(0).key_package() : std::string();
  }

  std::uint32_t stock(UserId user, DeviceId device = kPhone) {
    auto answer = std::make_shared<std::promise<Result<v1::KeyStock>>>();
    on_worker([&] {
      service_->stock(user, device, [answer](const v1::KeyStock& stock) { answer->set_value(stock); });
    });
    return wait(answer)->key_packages();
  }

  std::string package(UserId user, DeviceId device, const Ed25519Key& identity, bool last_resort = false,
                      int days = 90) {
    KeyPackageParts parts;
    parts.identity = be(user.value, 8) + be(device.value, 4);
    parts.not_before_s = static_cast<std::uint64_t>(clock_.wall_ms() / 1000);
    parts.not_after_s = parts.not_before_s + static_cast<std::uint64_t>(days) * 24 * 3600;
    parts.last_resort = last_resort;
    return make_key_package(identity, parts);
  }
  // A request with the identity and so many packages.
  v1::PublishKeys request(UserId user, DeviceId device, const Ed25519Key& identity, int packages = 0) {
    v1::PublishKeys keys;
    const std::string name = be(user.value, 8) + be(device.value, 4);
    const Ed25519Key& device_key = device_keys_.at({user, device});
    keys.set_identity_key(identity.public_key);
    keys.set_identity_signature(identity.sign("godwit/v1/identity" + std::string(1, '\0') + device_key.public_key + name));
    keys.set_device_signature(
        device_key.sign("godwit/v1/device-identity" + std::string(1, '\0') + identity.public_key + name));
    for (int i = 0; i < packages; ++i) keys.add_key_packages(package(user, device, identity));
    return keys;
  }

  void revoke(UserId user, DeviceId device) {
    on_worker([&] {
      std::erase_if(owners_[user].devices, [&](const KeyOwner::Device& d) { return d.id == device; });
      auto record = std::make_shared<Record>();
      record->body.mutable_device_revoked()->set_user(user.value);
      record->body.mutable_device_revoked()->set_device_id(device.value);
      record->lsn = Lsn(++lsn_);
      service_->applied(record);
    });
  }
  // After some turns.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      on_worker([] {});
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  // Waits until the last entry of the log names these devices.
  bool becomes_logged(const std::vector<std::uint32_t>& devices) {
    for (int i = 0; i < 10'000 && logged() != devices; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return logged() == devices;
  }
  // Devices of the last entry of the log.
  std::vector<std::uint32_t> logged() {
    std::vector<std::uint32_t> devices;
    on_worker([&] {
      for (const RecordPtr& record : records_) {
        if (!record->body.has_identity_changed()) continue;
        devices.clear();
        for (const auto& device : record->body.identity_changed().devices()) devices.push_back(device.device_id());
      }
    });
    return devices;
  }

  void checkpoint() {
    Collector out;
    on_worker([&] {
      service_->users().begin_checkpoint();
      std::size_t budget = 1'000'000;
      ASSERT_TRUE(service_->users().collect_some(budget, out));
    });
    ASSERT_TRUE(store_->commit(out.finish(), Lsn(lsn_)));
    on_worker([&] {
      std::size_t budget = 1'000'000;
      ASSERT_TRUE(service_->users().finish_some(budget, true));
    });
  }

  void hold(bool holding) {
    on_worker([&] { holding_ = holding; });
  }
  void release(Errc outcome = Errc::ok) {
    on_worker([&] {
      holding_ = false;
      commit(outcome);
    });
  }
  // Until as many records wait for the journal.
  void wait_for_records(std::size_t count) {
    for (int i = 0; i < 2'000; ++i) {
      std::size_t waiting = 0;
      on_worker([&] { waiting = waiting_.size(); });
      if (waiting >= count) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL() << "no record";
  }

  ManualClock clock_;
  Metrics metrics_;
  std::filesystem::path directory_;
  std::unique_ptr<Store> store_;
  PartitionMap map_;
  KeyOptions options_;
  std::map<std::pair<UserId, DeviceId>, Ed25519Key> device_keys_;
  std::map<UserId, KeyOwner> owners_;
  std::unique_ptr<ReaderPool> readers_;
  std::unique_ptr<VerifyQueue> verify_;
  std::unique_ptr<ClaimBudget> claims_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<RecordWriter> writer_;
  std::unique_ptr<KeyService> service_;
  std::vector<std::tuple<UserId, DeviceId, v1::KeyStock>> pushed_;
  Batch waiting_;
  Batch records_;
  std::size_t verify_bytes_ = 1 << 20;
  std::size_t claims_bytes_ = 64 << 20;
  bool holding_ = false;
  bool refusing_ = false;
  std::atomic<bool> writable_{true};
  std::uint64_t log_size_ = 0;
  std::uint64_t lsn_ = 0;
};

}  // namespace godwit
