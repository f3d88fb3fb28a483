// Accounts above a real store: records are applied as a shard does it, and checkpoints write what they changed.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "account/account.h"
#include "account/contact_hash.h"
#include "base/random.h"
#include "godwit/clock.h"

namespace godwit {

inline constexpr UserId kAnn{101};
inline constexpr UserId kBob{102};
inline constexpr UserId kCat{103};

class AccountFixture : public ::testing::Test {
 protected:
  AccountFixture() {
    init_crypto();
    directory_ = std::filesystem::temp_directory_path() / ("godwit-account-" + hex(random_bytes(8)));
    StoreOptions options;
    options.directory = directory_ / "store";
    store_ = std::make_unique<Store>(options, clock_, metrics_);
    map_ = {store_->partitions(), 1};
    account_ = std::make_unique<Account>(kAnn, Account::Options{});
    account_->load(std::nullopt, {});
  }
  ~AccountFixture() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  RecordPtr record() {
    auto made = std::make_shared<Record>();
    made->lsn = Lsn(++lsn_);
    made->body.set_time_ms(clock_.wall_ms());
    return made;
  }

  void create() {
    const RecordPtr made = record();
    auto& created = *made->body.mutable_user_created();
    created.set_user(kAnn.value);
    created.set_handle("ann");
    created.mutable_device()->set_device_id(1);
    account_->apply(made);
  }

  void change_privacy(const store::PrivacySettings& changed) {
    const RecordPtr made = record();
    *made->body.mutable_privacy_changed()->mutable_changed() = changed;
    account_->apply(made);
  }

  void add_contact(UserId user, const std::string& note = {}) {
    const RecordPtr made = record();
    auto& added = *made->body.mutable_contacts_changed()->add_added();
    added.set_user(user.value);
    added.set_note(note);
    account_->apply(made);
  }

  void remove_contact(UserId user) {
    const RecordPtr made = record();
    made->body.mutable_contacts_changed()->add_removed(user.value);
    account_->apply(made);
  }

  void block(UserId user) {
    const RecordPtr made = record();
    made->body.mutable_block_changed()->set_blocked(user.value);
    account_->apply(made);
  }

  // Hands the changes to the store, which takes them or not; the account learns neither yet.
  void collect_and_commit() {
    Collector out;
    account_->collect(map_, out);
    ASSERT_TRUE(store_->commit(out.finish(), Lsn(lsn_)));
  }
  void checkpoint() {
    collect_and_commit();
    std::size_t budget = 1'000'000;
    ASSERT_TRUE(account_->checkpointed(budget));
  }

  // The account as another process finds it in the store.
  Account reloaded() {
    const auto row = store_->get(Column::user, Account::key(map_, kAnn));
    Account account(kAnn, {});
    account.load(row, Account::read_more(*store_, map_, kAnn, row));
    return account;
  }

  // (id, note) of the page, completed from the store.
  std::vector<std::pair<std::uint64_t, std::string>> listed(const Account& account, UserId after = {},
                                                            std::size_t limit = 100) {
    ContactsPage page = account.contacts().page(after, limit);
    read_notes(*store_, map_, kAnn, page);
    std::vector<std::pair<std::uint64_t, std::string>> entries;
    for (const ContactEntry& entry : page.entries) entries.emplace_back(entry.user.value, *entry.note);
    return entries;
  }

  std::size_t stored_contacts() { return Contacts::read(*store_, map_, kAnn).size(); }

  ManualClock clock_;
  Metrics metrics_;
  std::filesystem::path directory_;
  std::unique_ptr<Store> store_;
  PartitionMap map_;
  std::unique_ptr<Account> account_;
  std::uint64_t lsn_ = 0;
};

}  // namespace godwit
