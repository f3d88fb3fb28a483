#include "storage/expiry_filter.h"

#include <rocksdb/db.h>

#include "store_fixture.h"

namespace godwit {
namespace {

constexpr UserId kAnn{7};
constexpr UserId kBob{8};
constexpr std::int64_t kHour = 3'600'000;

class ExpiryFilterTest : public StoreFixture {
 protected:
  static MessageId id_of(char c) { return MessageId::from(std::string(16, c)); }
  Partition partition(UserId user) { return partition_of(user, store_->partitions()); }

  // One status of Ann's in each of the three columns.
  void put(char id, std::int64_t expires_ms) {
    store::StatusRow status;
    status.set_device_id(1);
    status.set_payload(std::string(500, 'x'));
    status.set_posted_ms(clock_.wall_ms());
    status.set_expires_ms(expires_ms);
    for (std::uint64_t viewer = 1; viewer <= 50; ++viewer) status.add_viewers(viewer);
    store::StatusFeedRow reference;
    reference.set_id(id_of(id).str());
    reference.set_expires_ms(expires_ms);
    store::StatusViewRow view;
    view.set_viewed_ms(clock_.wall_ms());
    view.set_expires_ms(expires_ms);
    CheckpointRows rows;
    rows.put(Column::status, status_key(partition(kAnn), kAnn, id_of(id)), status.SerializeAsString());
    rows.put(Column::status_feed, status_feed_key(partition(kBob), kBob, id, kAnn), reference.SerializeAsString());
    rows.put(Column::status_view, status_view_key(partition(kAnn), kAnn, id_of(id), kBob), view.SerializeAsString());
    ASSERT_TRUE(store_->commit(std::move(rows), Lsn(++lsn_)));
  }

  std::size_t rows_in(Column column) { return scan_keys(column, "", "", false).size(); }
  std::vector<std::size_t> rows() {
    return {rows_in(Column::status), rows_in(Column::status_feed), rows_in(Column::status_view)};
  }
};

using Counts = std::vector<std::size_t>;

TEST_F(ExpiryFilterTest, Rows_of_statuses_go_when_they_have_expired) {
  open();
  put('a', clock_.wall_ms() + kHour);
  put('b', clock_.wall_ms() + 3 * kHour);
  ASSERT_EQ(store_->compact(never_), std::nullopt);
  EXPECT_EQ(rows(), (Counts{2, 2, 2}));
  clock_.advance(2 * kHour);
  ASSERT_EQ(store_->compact(never_), std::nullopt);
  EXPECT_EQ(rows(), (Counts{1, 1, 1}));
  EXPECT_TRUE(store_->get(Column::status, status_key(partition(kAnn), kAnn, id_of('b'))));
  clock_.advance(2 * kHour);
  ASSERT_EQ(store_->compact(never_), std::nullopt);
  EXPECT_EQ(rows(), (Counts{0, 0, 0}));
}

TEST_F(ExpiryFilterTest, A_jump_of_the_clock_drops_nothing) {
  open();
  put('a', clock_.wall_ms() + kHour);
  clock_.jump_wall(365 * 24 * kHour);
  ASSERT_EQ(store_->compact(never_), std::nullopt);
  EXPECT_EQ(rows(), (Counts{1, 1, 1}));
}

TEST_F(ExpiryFilterTest, A_row_without_an_end_is_kept) {
  open();
  put('a', 0);
  ASSERT_TRUE(commit(Column::status, {{status_key(partition(kAnn), kAnn, id_of('z')), "\xff\xff"}}));
  clock_.advance(1'000 * kHour);
  ASSERT_EQ(store_->compact(never_), std::nullopt);
  EXPECT_EQ(rows(), (Counts{2, 1, 1}));
}

TEST_F(ExpiryFilterTest, Feeds_of_different_viewers_and_views_of_different_statuses_do_not_mix) {
  open();
  put('a', clock_.wall_ms() + kHour);
  put('b', clock_.wall_ms() + kHour);
  const std::string feed = user_key(partition(kBob), kBob);
  EXPECT_EQ(scan_keys(Column::status_feed, feed, prefix_end(feed), true).size(), 2u);
  const std::string views = status_key(partition(kAnn), kAnn, id_of('a'));
  const auto keys = scan_keys(Column::status_view, views, prefix_end(views), false);
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(seq_of_key(keys[0]), kBob.value);
}

TEST_F(ExpiryFilterTest, A_store_from_before_there_were_statuses_opens) {
  open();
  ASSERT_TRUE(commit(Column::user, {{"u", "v"}}));
  close();
  {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, options_.directory, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> columns;
    for (const auto& name : names) columns.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, options_.directory, columns, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    for (auto* handle : handles) {
      if (!handle->GetName().starts_with("status")) continue;
      ASSERT_TRUE(db->DropColumnFamily(handle).ok());
    }
    for (auto* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    ASSERT_TRUE(db->Close().ok());
    names.clear();
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, options_.directory, &names).ok());
    ASSERT_EQ(names.size(), kColumns - 4);
  }
  open();
  EXPECT_EQ(store_->get(Column::user, "u"), "v");
  put('a', clock_.wall_ms() + kHour);
  EXPECT_EQ(rows(), (Counts{1, 1, 1}));
}

}  // namespace
}  // namespace godwit
