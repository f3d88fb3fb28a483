#include "account_fixture.h"

namespace godwit {
namespace {

class PrivacyTest : public AccountFixture {
 protected:
  PrivacyTest() { create(); }

  void set_profile(Audience audience, const std::vector<UserId>& except = {}) {
    store::PrivacySettings changed;
    changed.mutable_profile()->set_audience(static_cast<std::uint32_t>(audience));
    for (const UserId user : except) changed.mutable_profile()->add_except(user.value);
    change_privacy(changed);
  }
  bool profile(UserId who) const { return account_->allows(Rule::profile, who); }
};

TEST_F(PrivacyTest, A_new_account_shows_everything_and_asks_nothing) {
  for (const Rule rule : {Rule::last_seen, Rule::online, Rule::profile, Rule::status, Rule::may_add_me}) {
    EXPECT_TRUE(account_->allows(rule, kBob));
  }
  EXPECT_FALSE(account_->hides_read_receipts());
  EXPECT_FALSE(account_->asks_first());
}

TEST_F(PrivacyTest, The_audience_decides_and_oneself_always_may) {
  add_contact(kBob);
  set_profile(Audience::contacts);
  EXPECT_TRUE(profile(kBob));
  EXPECT_FALSE(profile(kCat));
  set_profile(Audience::nobody);
  EXPECT_FALSE(profile(kBob));
  EXPECT_TRUE(profile(kAnn));
  EXPECT_TRUE(account_->allows(Rule::status, kCat)) << "other rules stay as they were";
}

TEST_F(PrivacyTest, Exceptions_and_blocks_go_before_the_audience) {
  add_contact(kBob);
  set_profile(Audience::contacts, {kCat, kBob});
  EXPECT_FALSE(profile(kBob));
  set_profile(Audience::everyone, {kCat});
  EXPECT_TRUE(profile(kBob));
  EXPECT_FALSE(profile(kCat));
  block(kBob);
  EXPECT_FALSE(profile(kBob));
  EXPECT_FALSE(account_->allows(Rule::may_add_me, kBob));
}

TEST_F(PrivacyTest, Changes_of_different_settings_all_hold) {
  store::PrivacySettings first;
  first.set_ask_first(true);
  change_privacy(first);
  store::PrivacySettings second;
  second.set_hide_read_receipts(true);
  second.mutable_online()->set_audience(static_cast<std::uint32_t>(Audience::nobody));
  change_privacy(second);
  EXPECT_TRUE(account_->asks_first());
  EXPECT_TRUE(account_->hides_read_receipts());
  EXPECT_FALSE(account_->allows(Rule::online, kBob));
  store::PrivacySettings back;
  back.set_ask_first(false);
  change_privacy(back);
  EXPECT_FALSE(account_->asks_first());
  EXPECT_TRUE(account_->hides_read_receipts());
}

TEST_F(PrivacyTest, Settings_come_back_from_the_store) {
  set_profile(Audience::contacts, {kCat});
  store::PrivacySettings changed;
  changed.set_hide_read_receipts(true);
  change_privacy(changed);
  checkpoint();
  const Account again = reloaded();
  EXPECT_EQ(again.privacy(), account_->privacy());
  EXPECT_EQ(again.privacy().rule(Rule::profile).except, std::vector<UserId>{kCat});
}

TEST_F(PrivacyTest, A_deleted_account_allows_nothing) {
  const RecordPtr deleted = record();
  deleted->body.mutable_user_deleted()->set_user(kAnn.value);
  account_->apply(deleted);
  EXPECT_FALSE(profile(kBob));
  EXPECT_FALSE(profile(kAnn));
}

}  // namespace
}  // namespace godwit
