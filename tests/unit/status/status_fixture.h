// Users with statuses above a real store: records are applied as a shard does it, and checkpoints write what they
// changed.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "godwit/clock.h"
#include "status/feed_page.h"
#include "status/status_user.h"
#include "storage/keys.h"

namespace godwit {

inline constexpr UserId kAnn{101};
inline constexpr UserId kBob{102};
inline constexpr UserId kCat{103};
inline constexpr std::int64_t kHour = 3'600'000;
inline constexpr std::int64_t kDay = 24 * kHour;

class StatusFixture : public ::testing::Test {
 protected:
  StatusFixture() {
    init_crypto();
    directory_ = std::filesystem::temp_directory_path() / ("godwit-status-" + hex(random_bytes(8)));
    StoreOptions options;
    options.directory = directory_ / "store";
    store_ = std::make_unique<Store>(options, clock_, metrics_);
    map_ = {store_->partitions(), 1};
    options_.max_feed = 10;
    options_.max_live_posts = 5;
    user_ = std::make_unique<StatusUser>(kAnn, options_);
    user_->load(std::nullopt, {});
  }
  ~StatusFixture() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  static MessageId id_of(std::uint32_t n) {
    std::string bytes(16, '\0');
    for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<char>(n >> (8 * i));
    return MessageId::from(bytes);
  }

  RecordPtr record() {
    auto made = std::make_shared<Record>();
    made->lsn = Lsn(++lsn_);
    made->body.set_time_ms(clock_.wall_ms());
    return made;
  }

  // A millisecond passes with each.
  void post(UserId author, std::uint32_t n, std::int64_t ttl_ms = kDay, const std::string& payload = "text") {
    clock_.advance(1);
    const RecordPtr made = record();
    auto& posted = *made->body.mutable_status_posted();
    posted.set_author(author.value);
    posted.set_id(id_of(n).str());
    posted.set_device_id(3);
    posted.set_payload(payload);
    posted.set_expires_ms(clock_.wall_ms() + ttl_ms);
    for (const UserId viewer : {kAnn, kBob, kCat}) {
      if (viewer != author) posted.add_viewers(viewer.value);
    }
    user_->apply(made);
  }

  void remove(UserId author, std::uint32_t n) { remove_encoded(author, id_of(n).str()); }
  void remove_encoded(UserId author, const std::string& id) {
    const RecordPtr made = record();
    auto& removed = *made->body.mutable_status_removed();
    removed.set_author(author.value);
    removed.set_id(id);
    for (const UserId viewer : {kAnn, kBob, kCat}) {
      if (viewer != author) removed.add_viewers(viewer.value);
    }
    user_->apply(made);
  }

  void view(UserId viewer, UserId author, std::uint32_t n) {
    const RecordPtr made = record();
    auto& viewed = *made->body.mutable_status_viewed();
    viewed.set_viewer(viewer.value);
    viewed.set_author(author.value);
    viewed.set_id(id_of(n).str());
    viewed.set_shown(true);
    user_->apply(made);
  }

  void mute(UserId author, bool lift = false) {
    const RecordPtr made = record();
    made->body.mutable_status_muted()->set_user(kAnn.value);
    made->body.mutable_status_muted()->set_author(author.value);
    made->body.mutable_status_muted()->set_lifted(lift);
    user_->apply(made);
  }

  // Hands the changes to the store; the user does not learn of it yet.
  void collect_and_commit() {
    Collector out;
    user_->collect(map_, out);
    ASSERT_TRUE(store_->commit(out.finish(), Lsn(lsn_)));
  }
  void checkpoint() {
    collect_and_commit();
    std::size_t budget = 1'000'000;
    ASSERT_TRUE(user_->checkpointed(budget));
  }

  // From now on the user is as another process finds it in the store.
  void reload() {
    const auto row = store_->get(Column::status_user, StatusUser::key(map_, kAnn));
    user_ = std::make_unique<StatusUser>(kAnn, options_);
    user_->load(row, StatusUser::read_more(*store_, map_, kAnn, row));
  }

  // First bytes of the ids on a page, in order.
  std::vector<std::uint32_t> listed(const FeedRequest& request = {}) {
    page_ = make_feed_page(*user_, followed_, request, clock_.wall_ms());
    std::vector<std::uint32_t> numbers;
    for (const FeedItem& item : page_.items) numbers.push_back(item.entry.id.bytes[0]);
    return numbers;
  }

  std::size_t rows_in(Column column) {
    std::size_t count = 0;
    store_->scan(column, "", "", false, [&](std::string_view, std::string_view) { return ++count != 0; });
    return count;
  }

  ManualClock clock_;
  Metrics metrics_;
  std::filesystem::path directory_;
  std::unique_ptr<Store> store_;
  PartitionMap map_;
  StatusUser::Options options_;
  std::unique_ptr<StatusUser> user_;
  std::vector<UserId> followed_{kBob, kCat};
  FeedPage page_;
  std::uint64_t lsn_ = 0;
};

}  // namespace godwit
