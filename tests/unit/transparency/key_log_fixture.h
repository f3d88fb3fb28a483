// A key log above a real store, and a journal whose outcomes the test decides. Everything on the test's thread.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/keys.h"
#include "transparency/key_log.h"
#include "transparency/log_key.h"

namespace godwit {

inline constexpr UserId kAnn{101};
inline constexpr UserId kBob{102};

// Keeps what it is given until the test says what becomes of it.
class ScriptedJournal final : public Journal {
 public:
  void recover(Lsn, const Replay&) override {}
  void start(Sink) override {}
  Errc append(const Batch& records) override {
    batches.push_back(records);
    return Errc::ok;
  }
  void undone() {}
  void trim(Lsn) override {}
  void seal() override {}
  bool writable() const override { return accepts; }
  std::uint64_t incarnation() const override { return 1; }
  Lsn committed() const override { return Lsn(kept.size()); }
  void stop() override {}

  bool accepts = true;
  std::deque<Batch> batches;  // on their way
  Batch kept;                 // the medium
};

class KeyLogFixture : public ::testing::Test {
 protected:
  KeyLogFixture() {
    init_crypto();
    directory_ = std::filesystem::temp_directory_path() / ("godwit-key-log-" + hex(random_bytes(8)));
    std::filesystem::create_directories(directory_);
    options_.key_file = directory_ / "key-log.key";
    start();
  }
  ~KeyLogFixture() override {
    stop();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    StoreOptions store;
    store.directory = directory_ / "store";
    store_ = std::make_unique<Store>(store, clock_, metrics_);
    readers_ = std::make_unique<ReaderPool>(1, metrics_);
    worker_ = std::make_unique<Worker>(0);
    map_ = {store_->partitions(), 1};
    writer_ = std::make_unique<RecordWriter>(journal_, map_);
    log_ = std::make_unique<KeyLog>(KeyLogWiring{*worker_, {worker_.get()}, map_, clock_, *store_, *readers_, *writer_},
                                    options_, metrics_);
  }
  void stop() {
    if (readers_) readers_->stop();
    log_.reset();
    worker_.reset();
    readers_.reset();
    store_.reset();
  }
  // As a process that was killed: what is on the way to the journal is lost, what is after the store is replayed.
  void restart() {
    stop();
    journal_.batches.clear();
    start();
    for (std::size_t i = store_->applied().value; i < journal_.kept.size(); ++i) log_->applied(*journal_.kept[i]);
  }

  // Each has one device more than the one before.
  void append(UserId user) {
    auto record = std::make_shared<Record>();
    auto& changed = *record->body.mutable_identity_changed();
    auto& mine = latest_[user];
    changed.set_user(user.value);
    changed.set_version(++mine.version);
    changed.set_previous(mine.position);
    for (std::uint64_t id = 1; id <= mine.version % 8; ++id) {
      auto& device = *changed.add_devices();
      device.set_device_id(static_cast<std::uint32_t>(id));
      device.set_device_key(std::string(32, static_cast<char>(id)));
      device.set_identity_key(std::string(32, static_cast<char>(user.value)));
      device.set_identity_signature(std::string(64, 's'));
    }
    log_->append(record, 0, [this, user](const Result<std::uint64_t>& index) {
      outcomes_.push_back(index ? Errc::ok : index.error().code);
      if (index) latest_[user].position = *index + 1;
    });
  }
  // The end of a turn: what it decided is one batch.
  void flush() { (void)writer_->flush(); }
  void commit_one() {
    const Journal::Batch batch = take();
    for (const RecordPtr& record : batch) {
      journal_.kept.push_back(record);
      record->lsn = Lsn(journal_.kept.size());
      log_->applied(*record);
    }
    for (const RecordPtr& record : batch) record->done(*record, Errc::ok);
  }
  void fail_one() {
    const Journal::Batch batch = take();
    for (auto it = batch.rbegin(); it != batch.rend(); ++it) log_->undo(**it);
    for (const RecordPtr& record : batch) {
      --latest_[UserId(record->body.identity_changed().user())].version;
      record->done(*record, Errc::storage_unavailable);
    }
  }
  void add(UserId user) {
    append(user);
    flush();
    commit_one();
  }

  // In steps of so many entries.
  void checkpoint(std::size_t step = 512, bool ok = true) {
    Collector out;
    log_->begin_checkpoint();
    const auto all = [&](auto more) {
      for (std::size_t budget = step; !more(budget); budget = step) {
      }
    };
    all([&](std::size_t& budget) { return log_->collect_some(budget, out); });
    if (ok) {
      ASSERT_TRUE(store_->commit(out.finish(), Lsn(journal_.kept.size())));
    }
    all([&](std::size_t& budget) { return log_->finish_some(budget, ok); });
  }

  Result<KeyLogProof> prove(std::vector<std::uint64_t> indices, std::uint64_t since = 0) {
    std::optional<Result<KeyLogProof>> got;
    log_->prove(std::move(indices), since, [&](const Result<KeyLogProof>& proof) { got = proof; });
    return got ? *got : Errc::internal;
  }
  Result<KeyLogPage> list(const KeyLogRequest& request) {
    std::optional<Result<KeyLogPage>> got;
    log_->list(request, [&](const Result<KeyLogPage>& page) { got = page; });
    // What a reader hands to the worker runs here.
    while (!got) {
      worker_->context().restart();
      worker_->context().run_one();
    }
    return *got;
  }
  // The page is what its proof says, and its head is signed.
  void expect_proved(const KeyLogPage& page) {
    std::vector<ProvedLeaf> leaves;
    for (const KeyLogEntryPtr& entry : page.entries) leaves.push_back({entry->index, entry->leaf()});
    expect_proved(leaves, page.proof);
  }
  void expect_proved(const std::vector<ProvedLeaf>& leaves, const KeyLogProof& proof) {
    const TreeHead& head = proof.head;
    const std::string_view root(reinterpret_cast<const char*>(head.root.data()), head.root.size());
    EXPECT_TRUE(verify_inclusion(leaves, head.size, head.root, proof.hashes));
    EXPECT_TRUE(verify_ed25519(log_->public_key(), head_bytes(head.size, root, head.time_ms), head.signature));
  }

  struct Latest {
    std::uint64_t version = 0;
    std::uint64_t position = 0;  // plus one
  };

  std::filesystem::path directory_;
  ManualClock clock_;
  Metrics metrics_;
  KeyLogOptions options_;
  ScriptedJournal journal_;
  PartitionMap map_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReaderPool> readers_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<RecordWriter> writer_;
  std::unique_ptr<KeyLog> log_;
  std::map<UserId, Latest> latest_;
  std::vector<Errc> outcomes_;

 private:
  Journal::Batch take() {
    Journal::Batch batch = std::move(journal_.batches.front());
    journal_.batches.pop_front();
    return batch;
  }
};

}  // namespace godwit
