// Who may see a status.
#include "router/status_viewers.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

constexpr UserId kAnn{100};

class StatusLinksTest : public ::testing::Test {
 protected:
  StatusLinksTest() {
    auto created = record();
    created->body.mutable_user_created()->set_user(kAnn.value);
    created->body.mutable_user_created()->mutable_device()->set_device_id(1);
    created->body.set_time_ms(1);
    account_.apply(created);
    auto contacts = record();
    for (const std::uint64_t id : {5, 3, 1, 4, 2}) contacts->body.mutable_contacts_changed()->add_added()->set_user(id);
    account_.apply(contacts);
  }

  std::shared_ptr<Record> record() {
    auto made = std::make_shared<Record>();
    made->lsn = Lsn(++lsn_);
    return made;
  }
  void rule(Audience audience, std::vector<std::uint64_t> except) {
    auto changed = record();
    auto& status = *changed->body.mutable_privacy_changed()->mutable_changed()->mutable_status();
    status.set_audience(static_cast<std::uint32_t>(audience));
    for (const std::uint64_t id : except) status.add_except(id);
    account_.apply(changed);
  }
  void block(std::uint64_t user) {
    auto changed = record();
    changed->body.mutable_block_changed()->set_blocked(user);
    account_.apply(changed);
  }
  std::vector<std::uint64_t> viewers(StatusAudience audience, std::vector<std::uint64_t> users = {}) {
    std::vector<UserId> named;
    for (const std::uint64_t id : users) named.push_back(UserId(id));
    std::vector<std::uint64_t> ids;
    for (const UserId user : status_viewers(account_, audience, named)) ids.push_back(user.value);
    return ids;
  }

  Account account_{kAnn, {}};
  std::uint64_t lsn_ = 0;
};

using Ids = std::vector<std::uint64_t>;

TEST_F(StatusLinksTest, By_default_all_contacts_see_a_status) {
  EXPECT_EQ(viewers(StatusAudience::as_set), (Ids{1, 2, 3, 4, 5}));
}

TEST_F(StatusLinksTest, The_setting_leaves_out_its_exceptions_or_everybody) {
  rule(Audience::contacts, {2, 9});
  EXPECT_EQ(viewers(StatusAudience::as_set), (Ids{1, 3, 4, 5}));
  EXPECT_EQ(viewers(StatusAudience::as_set, {1}), (Ids{1, 3, 4, 5})) << "`users` means nothing here";
  rule(Audience::nobody, {});
  EXPECT_EQ(viewers(StatusAudience::as_set), (Ids{}));
  EXPECT_EQ(viewers(StatusAudience::only, {4}), (Ids{4})) << "said for this one";
}

TEST_F(StatusLinksTest, A_status_may_name_who_sees_it_and_who_does_not) {
  EXPECT_EQ(viewers(StatusAudience::except, {5, 1, 1, 77}), (Ids{2, 3, 4}));
  EXPECT_EQ(viewers(StatusAudience::except), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(viewers(StatusAudience::only, {4, 2, 4, 77, 100}), (Ids{2, 4}));
  EXPECT_EQ(viewers(StatusAudience::only), (Ids{}));
}

TEST_F(StatusLinksTest, Whom_the_author_blocks_never_sees_one) {
  block(4);
  block(2);
  block(88);
  EXPECT_EQ(viewers(StatusAudience::as_set), (Ids{1, 3, 5}));
  EXPECT_EQ(viewers(StatusAudience::except, {1}), (Ids{3, 5}));
  EXPECT_EQ(viewers(StatusAudience::only, {2, 3, 4}), (Ids{3}));
}

TEST_F(StatusLinksTest, A_deleted_account_has_no_viewers) {
  auto deleted = record();
  deleted->body.mutable_user_deleted()->set_user(kAnn.value);
  account_.apply(deleted);
  EXPECT_EQ(viewers(StatusAudience::as_set), (Ids{}));
}

}  // namespace
}  // namespace godwit
