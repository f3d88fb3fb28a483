#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "store_fixture.h"

namespace godwit {
namespace {

// While it lives, no file may grow beyond `bytes`: writes fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

class StoreFaultTest : public StoreFixture {
 protected:
  CheckpointRows big_rows() {
    CheckpointRows rows;
    rows.put(Column::user, "small", "new");
    for (int i = 0; i < 300; ++i) {
      rows.put(Column::chat_log, log_key(Partition(1), ChatId(), ChatSeq(i)), std::string(1000, 'x'));
    }
    return rows;
  }
};

TEST_F(StoreFaultTest, refused_checkpoint_changes_nothing_and_can_be_tried_again) {
  open();
  ASSERT_TRUE(commit(Column::user, {{"small", "old"}}));
  {
    const FileSizeLimit full(100'000);
    EXPECT_FALSE(store_->commit(big_rows(), Lsn(50)));
    EXPECT_EQ(store_->applied(), Lsn(1));
    EXPECT_EQ(store_->get(Column::user, "small"), "old");
    EXPECT_TRUE(std::filesystem::is_empty(options_.directory + "/incoming"));
  }
  EXPECT_EQ(metric("godwit_store_checkpoint_failures_total"), 1);
  ASSERT_TRUE(store_->commit(big_rows(), Lsn(51)));
  open();
  EXPECT_EQ(store_->applied(), Lsn(51));
  EXPECT_EQ(store_->get(Column::user, "small"), "new");
}

// First the table files do not fit, then the growing manifest does not, at one byte or another. After a fault
// in the manifest, RocksDB writes again only when it is opened anew; by then, the checkpoint counts or does
// not.
TEST_F(StoreFaultTest, checkpoint_failing_at_any_file_size_is_all_or_nothing) {
  open();
  int refused = 0;
  for (rlim_t i = 0; i < 40; ++i) {
    const rlim_t limit = i < 5 ? i * 250 : 3000 + i * 37;
    const auto before = store_->applied();
    const auto value_before = store_->get(Column::user, "a");
    const std::string value = std::to_string(limit);
    CheckpointRows rows;
    rows.put(Column::user, "a", value);
    rows.put(Column::chat, "b", value);
    bool ok = false;
    {
      const FileSizeLimit full(limit);
      ok = store_->commit(std::move(rows), Lsn(i + 1));
    }
    ASSERT_EQ(store_->applied(), ok ? Lsn(i + 1) : before) << limit;
    ASSERT_EQ(store_->get(Column::user, "a"), ok ? value : value_before) << limit;
    if (!ok) {
      ++refused;
      open();
    }
    ASSERT_EQ(store_->get(Column::user, "a"), store_->get(Column::chat, "b")) << limit;
    ASSERT_EQ(store_->get(Column::user, "a") == value, store_->applied() == Lsn(i + 1)) << limit;
  }
  EXPECT_GE(refused, 8);
  // The store takes up writing by itself once there is room.
  bool last = false;
  for (int i = 0; i < 100 && !last; ++i) {
    last = commit(Column::user, {{"a", "last"}});
    if (!last) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  ASSERT_TRUE(last);
  EXPECT_EQ(open().get(Column::user, "a"), "last");
}

}  // namespace
}  // namespace godwit
