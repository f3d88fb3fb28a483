// The key log in its place: one worker of several, a real journal and checkpoints, restarts.
#include "transparency/key_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "journal/local_journal.h"
#include "router/checkpointer.h"
#include "router/router.h"

namespace godwit {
namespace {

class KeyLogInRouterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    init_crypto();
    directory_ = std::filesystem::temp_directory_path() / ("godwit-key-log-" + hex(random_bytes(8)));
    std::filesystem::create_directories(directory_);
    start();
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    StoreOptions store;
    store.directory = directory_ / "store";
    store_ = std::make_unique<Store>(store, clock_, metrics_);
    readers_ = std::make_unique<ReaderPool>(1, metrics_);
    LocalJournalOptions journal;
    journal.directory = directory_ / "journal";
    journal.segment_bytes = 1 << 20;
    journal.min_free_bytes = 0;
    DiskCalls disk = DiskCalls::real();
    disk.write = [this, write = disk.write](int fd, const void* data, std::size_t size, std::uint64_t offset) -> ssize_t {
      if (!disk_fails_) return write(fd, data, size, offset);
      errno = EIO;
      return -1;
    };
    journal_ = std::make_unique<LocalJournal>(journal, metrics_, disk);
    ShardOptions options;
    options.key_log.key_file = directory_ / "key-log.key";
    router_ = std::make_unique<Router>(3, options, clock_, *store_, *readers_, *journal_, metrics_);
    router_->recover();
    checkpointer_ =
        std::make_unique<Checkpointer>(*router_, *store_, *journal_, CheckpointOptions{1'000'000, 1ULL << 40}, metrics_);
    router_->start();
  }
  // Without a last checkpoint: as a process that was killed.
  void stop() {
    router_->stop();
    readers_->stop();
    checkpointer_.reset();
    router_.reset();
    journal_.reset();
    readers_.reset();
    store_.reset();
  }
  void restart() {
    stop();
    start();
  }

  std::future<Result<std::uint64_t>> append(UserId user, std::uint64_t version) {
    auto record = std::make_shared<Record>();
    auto& changed = *record->body.mutable_identity_changed();
    changed.set_user(user.value);
    changed.set_version(version);
    auto got = std::make_shared<std::promise<Result<std::uint64_t>>>();
    router_->on(kKeyLogName, [this, user, record, got](Shard& shard) {
      const unsigned mine = router_->map().worker(user);
      shard.key_log().append(record, mine, [this, mine, got](const Result<std::uint64_t>& index) {
        EXPECT_TRUE(router_->worker(mine).is_current());
        got->set_value(index);
      });
    });
    return got->get_future();
  }
  Result<KeyLogProof> prove(std::vector<std::uint64_t> indices, std::uint64_t since) {
    std::promise<Result<KeyLogProof>> got;
    router_->on(kKeyLogName, [&](Shard& shard) {
      shard.key_log().prove(indices, since, [&](const Result<KeyLogProof>& proof) { got.set_value(proof); });
    });
    return got.get_future().get();
  }
  Result<KeyLogPage> list(const KeyLogRequest& request) {
    std::promise<Result<KeyLogPage>> got;
    router_->on(kKeyLogName, [&](Shard& shard) {
      shard.key_log().list(request, [&](const Result<KeyLogPage>& page) { got.set_value(page); });
    });
    return got.get_future().get();
  }

  std::filesystem::path directory_;
  std::atomic<bool> disk_fails_{false};
  ManualClock clock_;
  Metrics metrics_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReaderPool> readers_;
  std::unique_ptr<LocalJournal> journal_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Checkpointer> checkpointer_;
};

TEST_F(KeyLogInRouterTest, grows_over_restarts_with_and_without_checkpoints) {
  std::vector<TreeHead> heads;
  std::uint64_t next = 0;
  for (std::uint64_t round = 1; round <= 6; ++round) {
    std::vector<std::future<Result<std::uint64_t>>> pending;
    for (std::uint64_t user = 1; user <= 40; ++user) pending.push_back(append(UserId(user), round));
    for (auto& one : pending) {
      const auto index = one.get();
      ASSERT_TRUE(index);
      EXPECT_EQ(*index, next++);
    }
    EXPECT_EQ(router_->key_log().size(), next);
    const auto proof = prove({next - 1}, heads.empty() ? 0 : heads.back().size);
    ASSERT_TRUE(proof);
    if (!heads.empty()) {
      EXPECT_TRUE(verify_consistency(heads.back().size, heads.back().root, proof->head.size, proof->head.root,
                                     proof->head.consistency));
    }
    heads.push_back(proof->head);
    if (round % 2 == 0) {
      ASSERT_TRUE(checkpointer_->run_once());
      // Nothing is written that the store has.
      EXPECT_FALSE(router_->shard_of(kKeyLogName).key_log().dirty() != 0);
    }
    restart();
    EXPECT_EQ(prove({}, 0)->head.root, heads.back().root);
  }
  const auto page = list({0, 1'000, {}, heads[0].size});
  ASSERT_EQ(page->entries.size(), next);
  std::vector<ProvedLeaf> leaves;
  for (const KeyLogEntryPtr& entry : page->entries) leaves.push_back({entry->index, entry->leaf()});
  EXPECT_TRUE(verify_inclusion(leaves, page->proof.head.size, page->proof.head.root, page->proof.hashes));
  EXPECT_EQ(list({0, 100, UserId(7), 0})->entries.size(), 6U);
}

TEST_F(KeyLogInRouterTest, nothing_is_in_the_log_that_the_disk_refused) {
  ASSERT_TRUE(append(UserId(1), 1).get());
  const TreeHead before = prove({}, 0)->head;
  disk_fails_ = true;
  std::vector<std::future<Result<std::uint64_t>>> pending;
  for (std::uint64_t user = 2; user <= 9; ++user) pending.push_back(append(UserId(user), 1));
  for (auto& one : pending) EXPECT_EQ(one.get().error().code, Errc::storage_unavailable);
  EXPECT_EQ(router_->key_log().size(), 1U);
  EXPECT_EQ(prove({}, 1)->head.root, before.root);
  disk_fails_ = false;
  restart();
  EXPECT_EQ(router_->key_log().size(), 1U);
  EXPECT_EQ(*append(UserId(2), 1).get(), 1U);
  const auto proof = prove({0, 1}, 1);
  EXPECT_TRUE(verify_consistency(1, before.root, 2, proof->head.root, proof->head.consistency));
}

}  // namespace
}  // namespace godwit
