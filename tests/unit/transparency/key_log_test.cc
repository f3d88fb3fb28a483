#include "key_log_fixture.h"

#include <algorithm>
#include <fstream>

namespace godwit {
namespace {

using KeyLogTest = KeyLogFixture;

std::vector<std::uint64_t> versions(const KeyLogPage& page) {
  std::vector<std::uint64_t> out;
  for (const KeyLogEntryPtr& entry : page.entries) out.push_back(entry->version);
  return out;
}

TEST_F(KeyLogTest, empty_log_has_a_signed_head) {
  const auto proof = prove({});
  ASSERT_TRUE(proof);
  EXPECT_EQ(proof->head.size, 0U);
  expect_proved({}, *proof);
  const auto page = list({0, 100, {}, 0});
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->entries.empty());
  EXPECT_FALSE(page->more);
}

TEST_F(KeyLogTest, entry_is_visible_once_committed) {
  append(kAnn);
  flush();
  EXPECT_EQ(log_->size(), 0U);
  EXPECT_TRUE(list({0, 100, {}, 0})->entries.empty());
  EXPECT_TRUE(outcomes_.empty());
  commit_one();
  EXPECT_EQ(log_->size(), 1U);
  EXPECT_EQ(outcomes_, std::vector{Errc::ok});
  const auto page = list({0, 100, {}, 0});
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_EQ(page->entries[0]->user, kAnn);
  EXPECT_EQ(page->entries[0]->time_ms, clock_.wall_ms());
  expect_proved(*page);
}

TEST_F(KeyLogTest, proof_waits_for_an_entry_that_was_committed_elsewhere) {
  add(kAnn);
  append(kBob);
  flush();
  std::optional<Result<KeyLogProof>> got;
  log_->prove({1}, 1, [&](const Result<KeyLogProof>& proof) { got = proof; });
  EXPECT_FALSE(got);
  commit_one();
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->head.size, 2U);
}

TEST_F(KeyLogTest, proof_that_waits_is_refused_when_the_entry_fails) {
  append(kAnn);
  flush();
  std::optional<Result<KeyLogProof>> got;
  log_->prove({0}, 0, [&](const Result<KeyLogProof>& proof) { got = proof; });
  fail_one();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->error().code, Errc::invalid_argument);
}

TEST_F(KeyLogTest, what_is_beyond_the_log_is_refused) {
  add(kAnn);
  EXPECT_EQ(prove({1}).error().code, Errc::invalid_argument);
  EXPECT_EQ(prove({}, 2).error().code, Errc::invalid_argument);
  EXPECT_EQ(list({0, 100, {}, 2}).error().code, Errc::invalid_argument);
  EXPECT_TRUE(list({5, 100, {}, 1})->entries.empty());
}

TEST_F(KeyLogTest, failed_batches_of_two_users_leave_no_trace) {
  add(kAnn);
  const TreeHash before = prove({})->head.root;
  append(kAnn);
  append(kBob);
  flush();
  append(kBob);
  append(kAnn);
  flush();
  fail_one();
  fail_one();
  EXPECT_EQ(log_->size(), 1U);
  EXPECT_EQ(prove({})->head.root, before);
  outcomes_.clear();
  append(kBob);
  append(kAnn);
  flush();
  commit_one();
  EXPECT_EQ(outcomes_, (std::vector{Errc::ok, Errc::ok}));
  const auto page = list({0, 100, {}, 1});
  ASSERT_EQ(page->entries.size(), 3U);
  EXPECT_EQ(page->entries[1]->user, kBob);
  EXPECT_EQ(page->entries[1]->version, 1U);
  EXPECT_EQ(page->entries[2]->version, 2U);
  expect_proved(*page);
  EXPECT_TRUE(verify_consistency(1, before, 3, page->proof.head.root, page->proof.head.consistency));
}

TEST_F(KeyLogTest, what_is_ahead_of_a_failed_batch_stays) {
  append(kAnn);
  flush();
  append(kBob);
  flush();
  commit_one();
  fail_one();
  EXPECT_EQ(log_->size(), 1U);
  expect_proved(*list({0, 100, {}, 0}));
}

TEST_F(KeyLogTest, full_log_and_journal_that_refuses) {
  options_.max_entries = 2;
  restart();
  add(kAnn);
  add(kBob);
  append(kAnn);
  worker_->context().restart();
  worker_->context().run_one();
  EXPECT_EQ(outcomes_.back(), Errc::overloaded);
  EXPECT_TRUE(journal_.batches.empty());
  options_.max_entries = 3;
  restart();
  journal_.accepts = false;
  append(kAnn);
  worker_->context().restart();
  worker_->context().run_one();
  EXPECT_EQ(outcomes_.back(), Errc::storage_unavailable);
  EXPECT_EQ(log_->size(), 2U);
}

TEST_F(KeyLogTest, the_end_of_the_log_is_for_first_identities_and_withdrawals) {
  options_.max_entries = 20;
  restart();
  const auto outcome = [this](std::uint64_t version, bool published) {
    auto record = std::make_shared<Record>();
    auto& changed = *record->body.mutable_identity_changed();
    changed.set_user(kBob.value);
    changed.set_version(version);
    if (published) changed.mutable_published();
    log_->append(record, 0, [](const Result<std::uint64_t>&) {});
    flush();
    const bool taken = !journal_.batches.empty();
    if (taken) commit_one();
    return taken;
  };
  while (log_->size() < 18) add(kAnn);
  EXPECT_FALSE(outcome(2, true));
  EXPECT_TRUE(outcome(1, true));
  EXPECT_FALSE(outcome(1, true));
  EXPECT_TRUE(outcome(2, false));
  EXPECT_FALSE(outcome(3, false));
  EXPECT_EQ(log_->size(), 20U);
}

TEST_F(KeyLogTest, time_never_goes_back) {
  add(kAnn);
  const std::int64_t first = list({0, 1, {}, 0})->entries[0]->time_ms;
  clock_.jump_wall(-3'600'000);
  checkpoint();
  restart();
  add(kAnn);
  EXPECT_EQ(list({1, 1, {}, 0})->entries[0]->time_ms, first);
  EXPECT_GE(prove({})->head.time_ms, first);
}

TEST_F(KeyLogTest, head_is_signed_once_and_again_when_it_is_old) {
  add(kAnn);
  const auto first = prove({})->head;
  clock_.advance(59'000);
  EXPECT_EQ(prove({0})->head.signature, first.signature);
  clock_.advance(1'000);
  const auto second = prove({})->head;
  EXPECT_EQ(second.time_ms, clock_.wall_ms());
  EXPECT_EQ(second.root, first.root);
}

TEST_F(KeyLogTest, restart_goes_on_where_it_was_with_and_without_a_checkpoint) {
  const std::string key = log_->public_key();
  std::vector<TreeHead> heads;
  for (int round = 0; round < 12; ++round) {
    add(round % 3 == 0 ? kBob : kAnn);
    append(kBob);  // on its way, and lost
    latest_[kBob].version -= 1;
    flush();
    if (round % 4 == 1) checkpoint();
    if (round % 4 == 3) checkpoint(512, false);
    restart();
    EXPECT_EQ(log_->public_key(), key);
    EXPECT_EQ(log_->size(), static_cast<std::uint64_t>(round) + 1);
    heads.push_back(prove({})->head);
  }
  const auto page = list({0, 100, {}, 0});
  ASSERT_EQ(page->entries.size(), heads.size());
  expect_proved(*page);
  for (const TreeHead& head : heads) {
    const auto proof = prove({}, head.size);
    EXPECT_TRUE(verify_consistency(head.size, head.root, proof->head.size, proof->head.root, proof->head.consistency));
  }
}

TEST_F(KeyLogTest, pages_join_store_and_memory) {
  // More than a row of hashes, in checkpoints that end within rows.
  for (int i = 0; i < 1'500; ++i) {
    append(i % 3 == 0 ? kBob : kAnn);
    flush();
    commit_one();
    if (i == 700 || i == 1'023 || i == 1'400) checkpoint(100);
  }
  EXPECT_EQ(log_->dirty(), 99U);
  restart();
  EXPECT_EQ(log_->size(), 1'500U);
  std::uint64_t from = 0;
  for (bool more = true; more;) {
    const auto page = list({from, 333, {}, from});
    ASSERT_TRUE(page);
    ASSERT_FALSE(page->entries.empty());
    EXPECT_EQ(page->entries[0]->index, from);
    expect_proved(*page);
    from = page->entries.back()->index + 1;
    more = page->more;
  }
  EXPECT_EQ(from, 1'500U);
}

TEST_F(KeyLogTest, entries_of_a_user_by_version) {
  for (int i = 0; i < 30; ++i) {
    add(i % 3 == 0 ? kBob : kAnn);
    if (i == 20) checkpoint();
  }
  const auto page = list({3, 4, kBob, 0});
  EXPECT_EQ(versions(*page), (std::vector<std::uint64_t>{3, 4, 5, 6}));
  EXPECT_TRUE(page->more);
  expect_proved(*page);
  const auto rest = list({7, 4, kBob, 0});
  EXPECT_EQ(versions(*rest), (std::vector<std::uint64_t>{7, 8, 9, 10}));
  EXPECT_FALSE(rest->more);
  expect_proved(*rest);
  // Each points to the one before.
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(rest->entries[i]->previous, rest->entries[i - 1]->index + 1);
  const auto all = list({0, 100, kAnn, 0});
  EXPECT_EQ(all->entries.size(), 20U);
  EXPECT_TRUE(list({0, 100, UserId(7), 0})->entries.empty());
}

TEST_F(KeyLogTest, page_is_bounded_in_bytes) {
  for (int i = 0; i < 1'400; ++i) add(UserId(1'000));
  const auto page = list({0, 1'000, {}, 0});
  std::size_t bytes = 0;
  for (const KeyLogEntryPtr& entry : page->entries) bytes += entry->wire_bytes();
  EXPECT_LE(bytes, KeyLog::kMaxPageBytes);
  EXPECT_LT(page->entries.size(), 1'000U);
  EXPECT_TRUE(page->more);
  expect_proved(*page);
}

TEST_F(KeyLogTest, damage_is_found_at_the_start) {
  for (int i = 0; i < 5; ++i) add(kAnn);
  checkpoint();
  CheckpointRows rows;
  rows.erase(Column::key_log, key_log_entry_key(map_.partition(kKeyLogName), 4));
  ASSERT_TRUE(store_->commit(std::move(rows), Lsn(5)));
  stop();
  EXPECT_THROW(start(), std::runtime_error);
}

TEST_F(KeyLogTest, journal_that_contradicts_the_store_is_refused) {
  add(kAnn);
  add(kAnn);
  checkpoint();
  Record other;
  other.body = journal_.kept[1]->body;
  other.body.mutable_identity_changed()->set_user(kBob.value);
  EXPECT_THROW(log_->applied(other), std::runtime_error);
  other.body.mutable_identity_changed()->set_log_index(3);
  EXPECT_THROW(log_->applied(other), std::runtime_error);
}

TEST_F(KeyLogTest, key_file_is_private_and_kept) {
  const auto mode = std::filesystem::status(options_.key_file).permissions();
  EXPECT_EQ(mode & std::filesystem::perms(0777), std::filesystem::perms(0600));
  const std::string key = log_->public_key();
  restart();
  EXPECT_EQ(log_->public_key(), key);
  stop();
  std::ofstream(options_.key_file) << "godwit-log-key-1 00\n";
  EXPECT_THROW(start(), std::runtime_error);
}

}  // namespace
}  // namespace godwit
