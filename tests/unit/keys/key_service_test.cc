#include "key_fixture.h"

#include <chrono>
#include <thread>

namespace godwit {
namespace {

class KeyServiceTest : public KeyFixture {
 protected:
  Ed25519Key identity_ = Ed25519Key::generate();
};

TEST_F(KeyServiceTest, Publishes_and_gives_each_package_once) {
  const auto keys = request(kAnn, kPhone, identity_, 2);
  const auto stocked = publish(kAnn, kPhone, keys);
  ASSERT_TRUE(stocked) << stocked.error().detail;
  EXPECT_EQ(stocked->key_packages(), 2u);
  EXPECT_EQ(package_of(claim(kBob, {kAnn})), keys.key_packages(0));
  EXPECT_EQ(package_of(claim(kBob, {kAnn})), keys.key_packages(1));
  EXPECT_EQ(package_of(claim(kBob, {kAnn})), "");
}

TEST_F(KeyServiceTest, Keys_are_found_by_the_next_process) {
  const auto keys = request(kAnn, kPhone, identity_, 3);
  ASSERT_TRUE(publish(kAnn, kPhone, keys));
  EXPECT_EQ(package_of(claim(kBob, {kAnn})), keys.key_packages(0));
  checkpoint();
  EXPECT_EQ(package_of(claim(kBob, {kAnn})), keys.key_packages(1)) << "from the store";
  checkpoint();
  end();
  begin();
  EXPECT_EQ(stock(kAnn), 1u);
  EXPECT_EQ(package_of(claim(kBob, {kAnn})), keys.key_packages(2));
  ASSERT_TRUE(publish(kAnn, kPhone, keys));
  EXPECT_EQ(stock(kAnn), 0u) << "what was given out is not put in again";
  checkpoint();
  std::size_t rows = 0;
  store_->scan(Column::key_stock, "", "", false, [&](std::string_view, std::string_view) { return ++rows != 0; });
  EXPECT_EQ(rows, 0u);
}

TEST_F(KeyServiceTest, A_claim_tells_only_what_is_durable) {
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 2)));
  hold(true);
  const auto answer = start_claim(kBob, {kAnn});
  auto future = answer->get_future();
  wait_for_records(1);
  EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(stock(kAnn), 1u) << "nobody else gets it meanwhile";
  release();
  EXPECT_TRUE(future.get());
}

TEST_F(KeyServiceTest, What_the_journal_loses_is_given_back) {
  const auto keys = request(kAnn, kPhone, identity_, 1);
  ASSERT_TRUE(publish(kAnn, kPhone, keys));
  hold(true);
  const auto lost = start_claim(kBob, {kAnn});
  wait_for_records(1);
  release(Errc::storage_unavailable);
  const auto refused = wait(lost);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::storage_unavailable);
  EXPECT_EQ(stock(kAnn), 1u);
  on_worker([&] { refusing_ = true; });
  EXPECT_EQ(claim(kBob, {kAnn}).error().code, Errc::overloaded);
  EXPECT_EQ(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 1)).error().code, Errc::overloaded);
  on_worker([&] { refusing_ = false; });
  EXPECT_EQ(stock(kAnn), 1u);
  EXPECT_EQ(package_of(claim(kBob, {kAnn})), keys.key_packages(0));
}

TEST_F(KeyServiceTest, A_lost_publication_can_be_made_again) {
  hold(true);
  const auto keys = request(kAnn, kPhone, identity_, 2);
  const auto lost = start_publish(kAnn, kPhone, keys);
  wait_for_records(1);
  release(Errc::storage_unavailable);
  EXPECT_EQ(wait(lost).error().code, Errc::storage_unavailable);
  EXPECT_EQ(stock(kAnn), 0u);
  EXPECT_EQ(publish(kAnn, kPhone, keys)->key_packages(), 2u);
}

TEST_F(KeyServiceTest, What_is_left_out_is_not_taken) {
  const Ed25519Key other = Ed25519Key::generate();
  const auto anns = request(kAnn, kPhone, identity_, 2);
  ASSERT_TRUE(publish(kAnn, kPhone, anns));
  ASSERT_TRUE(publish(kBob, kPhone, request(kBob, kPhone, other, 2)));
  const std::size_t records = records_.size();
  const auto claimed = claim(kCat, {kAnn, kBob}, 1'000);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->users_size(), 1);
  ASSERT_EQ(claimed->left_out_size(), 1);
  EXPECT_EQ(claimed->left_out(0), kBob.value);
  EXPECT_EQ(stock(kBob), 2u);
  on_worker([&] { EXPECT_EQ(records_.size(), records + 1); });
}

TEST_F(KeyServiceTest, Two_changes_of_identity_follow_one_another) {
  const Ed25519Key other = Ed25519Key::generate();
  hold(true);
  const auto first = start_publish(kAnn, kPhone, request(kAnn, kPhone, identity_));
  wait_for_records(1);
  const auto second = start_publish(kAnn, kDesk, request(kAnn, kDesk, other));
  release();
  EXPECT_TRUE(wait(first));
  EXPECT_TRUE(wait(second));
  on_worker([&] {
    ASSERT_EQ(records_.size(), 2u);
    const auto& changed = records_[1]->body.identity_changed();
    EXPECT_EQ(changed.version(), 2u);
    EXPECT_EQ(changed.previous(), 1u);
    EXPECT_EQ(changed.devices_size(), 2);
  });
}

TEST_F(KeyServiceTest, More_changes_than_may_wait_are_refused) {
  hold(true);
  std::vector<Answer<v1::KeyStock>> answers;
  for (std::size_t i = 0; i < Turns<UserId>::kMax + 4; ++i) {
    answers.push_back(start_publish(kAnn, kPhone, request(kAnn, kPhone, identity_)));
  }
  std::size_t overloaded = 0;
  wait_for_records(1);
  settle();
  // The rest is answered once the first is through.
  std::vector<std::future<Result<v1::KeyStock>>> futures;
  for (const auto& answer : answers) futures.push_back(answer->get_future());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (overloaded < 4 && std::chrono::steady_clock::now() < deadline) {
    overloaded = 0;
    for (auto& future : futures) {
      overloaded += future.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready ? 1 : 0;
    }
  }
  EXPECT_EQ(overloaded, 4u);
  release();
  std::size_t served = 0;
  for (auto& future : futures) {
    const auto stock = future.get();
    served += stock ? 1 : 0;
    EXPECT_TRUE(stock || stock.error().code == Errc::overloaded);
  }
  EXPECT_EQ(served, Turns<UserId>::kMax);
}

TEST_F(KeyServiceTest, A_device_revoked_while_its_request_waits_publishes_nothing) {
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_)));
  const Ed25519Key other = Ed25519Key::generate();
  hold(true);
  const auto first = start_publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 1));
  wait_for_records(1);
  const auto waiting = start_publish(kAnn, kDesk, request(kAnn, kDesk, other, 1));
  settle();
  revoke(kAnn, kDesk);
  release();
  EXPECT_TRUE(wait(first));
  EXPECT_EQ(wait(waiting).error().code, Errc::device_revoked);
  EXPECT_EQ(logged(), std::vector<std::uint32_t>{1});
}

TEST_F(KeyServiceTest, A_device_revoked_while_its_identity_is_written_is_withdrawn) {
  hold(true);
  const auto writing = start_publish(kAnn, kDesk, request(kAnn, kDesk, identity_, 1));
  wait_for_records(1);
  // The revocation is in the journal before the identity.
  on_worker([&] {
    std::erase_if(owners_[kAnn].devices, [&](const KeyOwner::Device& d) { return d.id == kDesk; });
    auto record = std::make_shared<Record>();
    record->body.mutable_device_revoked()->set_user(kAnn.value);
    record->body.mutable_device_revoked()->set_device_id(kDesk.value);
    waiting_.insert(waiting_.begin(), record);
  });
  release();
  EXPECT_TRUE(wait(writing));
  EXPECT_TRUE(becomes_logged({}));
  EXPECT_EQ(stock(kAnn, kDesk), 0u);
}

TEST_F(KeyServiceTest, A_withdrawal_that_the_journal_refuses_is_made_later) {
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 2)));
  const Ed25519Key other = Ed25519Key::generate();
  ASSERT_TRUE(publish(kAnn, kDesk, request(kAnn, kDesk, other, 2)));
  revoke(kAnn, kDesk);
  EXPECT_EQ(stock(kAnn, kDesk), 0u) << "at once";
  EXPECT_TRUE(becomes_logged({1}));
  on_worker([&] { refusing_ = true; });
  revoke(kAnn, kPhone);
  revoke(kAnn, kPhone);
  settle();
  EXPECT_EQ(logged(), std::vector<std::uint32_t>{1});
  const Gauge& waiting = metrics_.gauge("godwit_key_withdrawals_waiting", "-");
  EXPECT_EQ(waiting.Value(), 1) << "once, however often it was refused";
  on_worker([&] { refusing_ = false; });
  for (int i = 0; i < 10'000 && !logged().empty(); ++i) clock_.advance(100);
  EXPECT_TRUE(logged().empty());
  EXPECT_EQ(waiting.Value(), 0);
}

TEST_F(KeyServiceTest, What_was_not_withdrawn_before_the_end_is_when_the_keys_are_loaded) {
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 1)));
  checkpoint();
  end();
  owners_[kAnn].devices.erase(owners_[kAnn].devices.begin());
  begin();
  const auto claimed = claim(kBob, {kAnn});
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->users(0).devices_size(), 1) << "the log has it still";
  EXPECT_EQ(package_of(claimed), "");
  EXPECT_TRUE(becomes_logged({}));
}

TEST_F(KeyServiceTest, Low_stock_is_told_once_per_fall) {
  options_.low_stock = 2;
  end();
  begin();
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 4)));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(claim(kBob, {kAnn}));
  on_worker([&] {
    ASSERT_EQ(pushed_.size(), 1u);
    EXPECT_EQ(std::get<2>(pushed_[0]).key_packages(), 2u);
    EXPECT_TRUE(std::get<2>(pushed_[0]).low());
  });
  ASSERT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 2)));
  ASSERT_TRUE(claim(kBob, {kAnn}));
  on_worker([&] { EXPECT_EQ(pushed_.size(), 2u); });
}

TEST_F(KeyServiceTest, More_bytes_than_may_wait_to_be_verified_are_refused) {
  end();
  verify_bytes_ = 1'000;
  begin();
  EXPECT_EQ(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 9)).error().code, Errc::overloaded);
  EXPECT_TRUE(publish(kAnn, kPhone, request(kAnn, kPhone, identity_, 1)));
}

}  // namespace
}  // namespace godwit
