// What a user has to do with statuses: the ones posted, the ones to be seen, whom they muted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/token_bucket.h"
#include "godwit/ids.h"
#include "storage/collector.h"
#include "storage/partition_map.h"
#include "storage/record.h"
#include "storage/row_cache.h"
#include "storage/store.h"
#include "storage/unwritten.h"

namespace godwit {

// A status of the user's own. The time of posting differs from that of the user's other ones.
struct StatusPost {
  MessageId id;
  std::int64_t posted_ms = 0;
  std::int64_t expires_ms = 0;  // 0: removed
  std::uint32_t viewers = 0;
  std::uint32_t views = 0;
};

// A status that the user may see. In order of time, then author, which is the order of the rows.
struct FeedEntry {
  std::int64_t posted_ms = 0;
  UserId author;
  MessageId id;
  std::int64_t expires_ms = 0;
  bool seen = false;

  std::pair<std::int64_t, UserId> place() const { return {posted_ms, author}; }
};

struct StatusViewed {
  UserId viewer;
  std::int64_t viewed_ms = 0;
};

// In the rows of columns status_user, status_feed, status and status_view. A state of RowCache: owner thread only.
// In memory are the feed and what is known of the user's own posts; contents and who has seen them only until a
// checkpoint has stored them.
//
// Bounds: the feed by Options::max_feed, posts by twice Options::max_live_posts, muted authors by kMaxMuted (kept by
// the service), changes by what happens between two checkpoints.
class StatusUser {
 public:
  static constexpr std::size_t kMaxMuted = 10'000;
  // What has expired, or was removed, is remembered for so long: its id is recognised, and a jump of the clock that
  // is soon put right takes nothing away.
  static constexpr std::int64_t kForgetAfterMs = 24LL * 3600 * 1000;
  struct Options {
    std::size_t max_feed = 2'000;
    std::size_t max_live_posts = 200;
  };
  static constexpr Column kColumn = Column::status_user;
  static std::string key(const PartitionMap& map, UserId user) { return user_key(map.partition(user), user); }

  StatusUser(UserId user, const Options& options) : user_(user), options_(options) {}

  // RowCache
  static MoreRows read_more(const Store& store, const PartitionMap& map, UserId user,
                            const std::optional<std::string>& row);
  void load(const std::optional<std::string>& row, const MoreRows& feed);
  std::uint64_t applied() const { return applied_; }
  void apply(const RecordPtr& record);
  std::size_t collect(const PartitionMap& map, Collector& out);
  bool checkpointed(std::size_t& budget);
  bool idle() const { return mutes_decided == 0; }

  UserId user() const { return user_; }

  // The user's posts, oldest first; also those that expired or were removed of late.
  const std::vector<StatusPost>& posts() const { return posts_; }
  const StatusPost* post(const MessageId& id) const;
  static bool live(const StatusPost& post, std::int64_t now_ms) { return post.expires_ms > now_ms; }
  const StatusPost* live_post(const MessageId& id, std::int64_t now_ms) const;
  std::size_t live_posts(std::int64_t now_ms) const;
  std::int64_t last_posted_ms() const { return posts_.empty() ? 0 : posts_.back().posted_ms; }
  // The record of the post while no checkpoint has stored it, else null.
  RecordPtr unstored_post(const MessageId& id) const;
  // Who has seen the post that no checkpoint has stored, with an id beyond `after`: at most `limit`, in order of id.
  std::vector<StatusViewed> unstored_views(const MessageId& id, UserId after, std::size_t limit) const;

  // What the user may see, oldest first. Also what has expired of late.
  const std::vector<FeedEntry>& feed() const { return feed_; }
  const FeedEntry* reference(UserId author, const MessageId& id, std::int64_t now_ms) const;

  bool mutes(UserId author) const;
  const std::vector<UserId>& muted() const { return muted_; }  // ascending

  // Position of the last record that took something out of the feed on behalf of its author.
  std::uint64_t taken_away_lsn() const { return taken_away_lsn_; }

  // Takes one post of the day, or tells after how many milliseconds there is one. `steady_ms` is monotonic.
  // `per_day` 0 is no limit.
  std::uint32_t take_post(std::int64_t steady_ms, std::int64_t now_ms, std::uint32_t per_day);

  // Changes of whom the user mutes that were decided and are not committed yet.
  std::uint32_t mutes_decided = 0;

 private:
  using Place = std::pair<std::int64_t, UserId>;
  struct FeedChange {
    bool removed = false;
    FeedEntry entry;
  };
  struct PostChange {
    RecordPtr record;  // of a post; or of what removed it
    bool viewed = false;
  };
  struct ViewChange {
    std::int64_t viewed_ms = 0;
    std::int64_t expires_ms = 0;
  };
  // Few users have any at a time.
  struct Changes {
    Unwritten<Place, FeedChange> feed;
    Unwritten<MessageId, PostChange> posts;
    Unwritten<std::pair<MessageId, UserId>, ViewChange> views;
  };

  Changes& changes();
  StatusPost* find_post(const MessageId& id);
  void apply_own_post(const RecordPtr& record);
  void apply_to_feed(const RecordPtr& record);
  void remove_own_post(const RecordPtr& record);
  void remove_from_feed(const store::StatusRemoved& removed);
  void mark_seen(const store::StatusViewed& viewed);
  void count_view(const RecordPtr& record);
  void apply_mute(const store::StatusMuted& muted);
  void clear(const RecordPtr& record);
  void drop(std::vector<FeedEntry>::iterator first, std::vector<FeedEntry>::iterator last);

  const UserId user_;
  const Options options_;
  std::uint64_t applied_ = 0;
  std::uint64_t taken_away_lsn_ = 0;
  std::vector<UserId> muted_;
  std::vector<StatusPost> posts_;
  std::vector<FeedEntry> feed_;
  std::unique_ptr<Changes> changes_;
  TokenBucket posts_of_day_;
  bool charged_ = false;  // posts_of_day_ knows of the posts that were loaded
};

// Who has seen a post, with an id beyond `after`: at most `limit`, in order of id, of what the store has. On a
// reader's thread.
std::vector<StatusViewed> read_views(const Store& store, const PartitionMap& map, UserId author, const MessageId& id,
                                     UserId after, std::size_t limit);

}  // namespace godwit
