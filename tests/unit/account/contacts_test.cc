#include "account_fixture.h"

namespace godwit {
namespace {

using Listed = std::vector<std::pair<std::uint64_t, std::string>>;

class ContactsTest : public AccountFixture {
 protected:
  ContactsTest() { create(); }
};

TEST_F(ContactsTest, Contacts_are_listed_in_order_of_id_page_by_page) {
  for (const std::uint64_t id : {9, 3, 7, 5, 1}) add_contact(UserId(id), "n" + std::to_string(id));
  EXPECT_EQ(listed(*account_), (Listed{{1, "n1"}, {3, "n3"}, {5, "n5"}, {7, "n7"}, {9, "n9"}}));
  EXPECT_EQ(listed(*account_, UserId(3), 2), (Listed{{5, "n5"}, {7, "n7"}}));
  EXPECT_TRUE(account_->contacts().page(UserId(3), 2).more);
  EXPECT_FALSE(account_->contacts().page(UserId(5), 2).more);
  EXPECT_TRUE(listed(*account_, UserId(9)).empty());
}

TEST_F(ContactsTest, Contacts_come_back_from_the_store_without_their_notes_in_memory) {
  add_contact(kBob, "bob");
  add_contact(kCat);
  checkpoint();
  EXPECT_EQ(account_->contacts().unwritten(), 0u);
  EXPECT_EQ(account_->contacts().page({}, 10).entries[0].note, std::nullopt);
  const Account again = reloaded();
  EXPECT_TRUE(again.contacts().contains(kBob));
  EXPECT_EQ(listed(again), (Listed{{kBob.value, "bob"}, {kCat.value, ""}}));
}

TEST_F(ContactsTest, A_change_writes_its_own_row_and_no_other) {
  for (std::uint64_t id = 1; id <= 1'000; ++id) add_contact(UserId(id));
  checkpoint();
  add_contact(UserId(500), "new note");
  Collector out;
  EXPECT_EQ(account_->collect(map_, out), 2u) << "the account's row and one contact's";
}

TEST_F(ContactsTest, Removed_contacts_leave_the_store) {
  add_contact(kBob, "bob");
  add_contact(kCat, "cat");
  checkpoint();
  remove_contact(kBob);
  remove_contact(UserId(999));
  EXPECT_EQ(account_->contacts().unwritten(), 1u) << "who was none needs no row";
  EXPECT_EQ(listed(*account_), (Listed{{kCat.value, "cat"}}));
  checkpoint();
  EXPECT_EQ(stored_contacts(), 1u);
  EXPECT_EQ(listed(reloaded()), (Listed{{kCat.value, "cat"}}));
}

TEST_F(ContactsTest, What_changes_during_a_checkpoint_is_kept_for_the_next) {
  add_contact(kBob, "old");
  add_contact(kCat, "cat");
  collect_and_commit();
  add_contact(kBob, "new");
  remove_contact(kCat);
  std::size_t budget = 1;
  EXPECT_FALSE(account_->checkpointed(budget)) << "one entry a step";
  budget = 10;
  EXPECT_TRUE(account_->checkpointed(budget));
  EXPECT_EQ(listed(*account_), (Listed{{kBob.value, "new"}}));
  checkpoint();
  EXPECT_EQ(listed(reloaded()), (Listed{{kBob.value, "new"}}));
}

TEST_F(ContactsTest, A_checkpoint_that_fails_is_made_good_by_the_next) {
  add_contact(kBob, "bob");
  Collector lost;
  account_->collect(map_, lost);
  add_contact(kCat, "cat");
  checkpoint();
  EXPECT_EQ(listed(reloaded()), (Listed{{kBob.value, "bob"}, {kCat.value, "cat"}}));
}

TEST_F(ContactsTest, A_contact_removed_while_its_note_is_read_is_left_out) {
  add_contact(kBob, "bob");
  add_contact(kCat, "cat");
  checkpoint();
  ContactsPage page = account_->contacts().page({}, 10);
  remove_contact(kBob);
  checkpoint();
  read_notes(*store_, map_, kAnn, page);
  ASSERT_EQ(page.entries.size(), 1u);
  EXPECT_EQ(page.entries[0].user, kCat);
}

TEST_F(ContactsTest, Deleting_the_account_erases_every_contact) {
  for (std::uint64_t id = 1; id <= 300; ++id) add_contact(UserId(id), "note");
  checkpoint();
  EXPECT_EQ(stored_contacts(), 300u);
  add_contact(UserId(301));
  const RecordPtr deleted = record();
  deleted->body.mutable_user_deleted()->set_user(kAnn.value);
  account_->apply(deleted);
  add_contact(UserId(302));
  EXPECT_EQ(account_->contacts().size(), 0u);
  checkpoint();
  EXPECT_EQ(stored_contacts(), 0u);
}

TEST_F(ContactsTest, An_account_without_contacts_reads_no_rows_of_theirs) {
  // A row that belongs to nobody shows whether the scan was made.
  CheckpointRows stray;
  stray.put(Column::contact, contact_key(map_.partition(kAnn), kAnn, kBob), "");
  ASSERT_TRUE(store_->commit(std::move(stray), Lsn(++lsn_)));
  checkpoint();
  EXPECT_EQ(reloaded().contacts().size(), 0u);
}

}  // namespace
}  // namespace godwit
