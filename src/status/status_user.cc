#include "status/status_user.h"

#include <algorithm>

#include "storage/keys.h"

namespace godwit {
namespace {

// Rows of one feed that are read, expired ones included; the largest max_feed.
constexpr std::size_t kMaxFeedRows = 100'000;
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

void to_row(const StatusPost& post, store::StatusMeta* row) {
  row->set_id(post.id.str());
  row->set_posted_ms(post.posted_ms);
  row->set_expires_ms(post.expires_ms);
  row->set_viewers(post.viewers);
  row->set_views(post.views);
}

void put_post(CheckpointRows& rows, std::string key, const store::Record& record) {
  const auto& posted = record.status_posted();
  store::StatusRow row;
  row.set_device_id(posted.device_id());
  row.set_payload(posted.payload());
  row.set_posted_ms(record.time_ms());
  row.set_expires_ms(posted.expires_ms());
  *row.mutable_viewers() = posted.viewers();
  rows.put(Column::status, std::move(key), row.SerializeAsString());
}

}  // namespace

MoreRows StatusUser::read_more(const Store& store, const PartitionMap& map, UserId user,
                               const std::optional<std::string>& row) {
  MoreRows rows;
  if (!row) return rows;
  const std::string prefix = user_key(map.partition(user), user);
  store.scan(Column::status_feed, prefix, prefix_end(prefix), true, [&](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
    return rows.size() < kMaxFeedRows;
  });
  return rows;
}

void StatusUser::load(const std::optional<std::string>& row, const MoreRows& feed) {
  store::StatusUserRow stored;
  if (!row || !stored.ParseFromString(*row)) return;
  applied_ = stored.applied_lsn();
  for (const std::uint64_t user : stored.muted()) muted_.push_back(UserId(user));
  for (const auto& post : stored.posts()) {
    posts_.push_back({MessageId(MessageId::from(post.id())), post.posted_ms(), post.expires_ms(), post.viewers(),
                      post.views()});
  }
  // Newest first. Beyond the bound is what compaction has yet to drop.
  store::StatusFeedRow entry;
  for (const auto& [key, value] : feed) {
    if (feed_.size() >= options_.max_feed) break;
    if (!entry.ParseFromString(value)) continue;
    const auto posted_ms = static_cast<std::int64_t>(seq_of_key(std::string_view(key).substr(0, key.size() - 8)));
    feed_.push_back({posted_ms, UserId(seq_of_key(key)), MessageId(MessageId::from(entry.id())), entry.expires_ms(),
                     entry.seen()});
  }
  std::reverse(feed_.begin(), feed_.end());
}

void StatusUser::apply(const RecordPtr& record) {
  applied_ = record->lsn.value;
  const store::Record& body = record->body;
  switch (body.body_case()) {
    case store::Record::kStatusPosted:
      body.status_posted().author() == user_.value ? apply_own_post(record) : apply_to_feed(record);
      break;
    case store::Record::kStatusRemoved:
      if (body.status_removed().author() == user_.value) {
        remove_own_post(record);
      } else {
        remove_from_feed(body.status_removed());
      }
      break;
    case store::Record::kStatusViewed:
      body.status_viewed().author() == user_.value ? count_view(record) : mark_seen(body.status_viewed());
      break;
    case store::Record::kStatusMuted:
      apply_mute(body.status_muted());
      break;
    case store::Record::kUserDeleted:
      clear(record);
      break;
    default:
      break;
  }
}

StatusUser::Changes& StatusUser::changes() {
  if (!changes_) changes_ = std::make_unique<Changes>();
  return *changes_;
}

void StatusUser::apply_own_post(const RecordPtr& record) {
  const auto& posted = record->body.status_posted();
  const std::int64_t now_ms = record->body.time_ms();
  std::erase_if(posts_, [&](const StatusPost& post) {
    return std::max(post.expires_ms, post.posted_ms) + kForgetAfterMs <= now_ms;
  });
  if (posts_.size() >= 2 * options_.max_live_posts) {
    const auto oldest = std::find_if(posts_.begin(), posts_.end(), [&](const StatusPost& p) { return !live(p, now_ms); });
    posts_.erase(oldest != posts_.end() ? oldest : posts_.begin());
  }
  const MessageId id(MessageId::from(posted.id()));
  posts_.push_back({id, now_ms, posted.expires_ms(), static_cast<std::uint32_t>(posted.viewers_size()), 0});
  changes().posts.set(id, applied_, {record, false});
}

void StatusUser::apply_to_feed(const RecordPtr& record) {
  const auto& posted = record->body.status_posted();
  const std::int64_t now_ms = record->body.time_ms();
  std::erase_if(feed_, [&](const FeedEntry& entry) { return entry.expires_ms + kForgetAfterMs <= now_ms; });
  const FeedEntry added{now_ms, UserId(posted.author()), MessageId(MessageId::from(posted.id())), posted.expires_ms(),
                        false};
  const auto after = std::upper_bound(feed_.begin(), feed_.end(), added, [](const FeedEntry& a, const FeedEntry& b) {
    return a.place() < b.place();
  });
  feed_.insert(after, added);
  changes().feed.set(added.place(), applied_, {false, added});
  if (feed_.size() > options_.max_feed) {
    drop(feed_.begin(), feed_.begin() + static_cast<std::ptrdiff_t>(feed_.size() - options_.max_feed));
  }
}

void StatusUser::drop(std::vector<FeedEntry>::iterator first, std::vector<FeedEntry>::iterator last) {
  for (auto it = first; it != last; ++it) changes().feed.set(it->place(), applied_, {true, *it});
  feed_.erase(first, last);
}

void StatusUser::remove_own_post(const RecordPtr& record) {
  // Without an id, only the viewers lose what they have.
  const std::string& encoded_id = record->body.status_removed().id();
  if (encoded_id.empty()) return;
  const MessageId id(MessageId::from(encoded_id));
  StatusPost* post = find_post(id);
  if (post == nullptr || post->expires_ms == 0) return;
  Changes& changed = changes();
  changed.views.forget({id, UserId()}, {id, UserId(~0ULL)});
  changed.posts.set(id, applied_, {record, post->views != 0});
  post->expires_ms = 0;
  post->views = 0;
}

void StatusUser::remove_from_feed(const store::StatusRemoved& removed) {
  const UserId author(removed.author());
  const std::string& id = removed.id();
  for (auto it = feed_.begin(); it != feed_.end();) {
    if (it->author != author || (!id.empty() && it->id.view() != id)) {
      ++it;
      continue;
    }
    taken_away_lsn_ = applied_;
    changes().feed.set(it->place(), applied_, {true, *it});
    it = feed_.erase(it);
  }
}

void StatusUser::mark_seen(const store::StatusViewed& viewed) {
  for (FeedEntry& entry : feed_) {
    if (entry.author.value != viewed.author() || entry.id.view() != viewed.id() || entry.seen) continue;
    entry.seen = true;
    changes().feed.set(entry.place(), applied_, {false, entry});
  }
}

void StatusUser::count_view(const RecordPtr& record) {
  const auto& viewed = record->body.status_viewed();
  const MessageId id(MessageId::from(viewed.id()));
  StatusPost* post = find_post(id);
  if (post == nullptr || post->expires_ms == 0) return;
  ++post->views;
  changes().views.set({id, UserId(viewed.viewer())}, applied_, {record->body.time_ms(), post->expires_ms});
}

void StatusUser::apply_mute(const store::StatusMuted& muted) {
  const UserId author(muted.author());
  const auto it = std::lower_bound(muted_.begin(), muted_.end(), author);
  const bool there = it != muted_.end() && *it == author;
  if (muted.lifted()) {
    if (there) muted_.erase(it);
  } else if (!there) {
    muted_.insert(it, author);
  }
}

// The account is deleted. What it had posted was removed before.
void StatusUser::clear(const RecordPtr& record) {
  drop(feed_.begin(), feed_.end());
  for (const StatusPost& post : posts_) {
    if (post.expires_ms != 0) changes().posts.set(post.id, applied_, {record, false});
  }
  feed_ = {};
  posts_ = {};
  muted_ = {};
}

std::size_t StatusUser::collect(const PartitionMap& map, Collector& out) {
  store::StatusUserRow row;
  row.set_applied_lsn(applied_);
  for (const UserId author : muted_) row.add_muted(author.value);
  for (const StatusPost& post : posts_) to_row(post, row.add_posts());
  out.rows.put(kColumn, key(map, user_), row.SerializeAsString());
  if (!changes_) return 1;
  const Partition partition = map.partition(user_);
  auto feed = changes_->feed.collect(applied_);
  auto posts = changes_->posts.collect(applied_);
  auto views = changes_->views.collect(applied_);
  const std::size_t count = feed.size() + posts.size() + views.size();
  out.later.push_back([partition, user = user_, feed = std::move(feed), posts = std::move(posts),
                       views = std::move(views)](CheckpointRows& rows) {
    store::StatusFeedRow reference;
    for (const auto& [place, change] : feed) {
      std::string key = status_feed_key(partition, user, place.first, place.second);
      if (change.removed) {
        rows.erase(Column::status_feed, std::move(key));
        continue;
      }
      reference.set_id(change.entry.id.str());
      reference.set_expires_ms(change.entry.expires_ms);
      reference.set_seen(change.entry.seen);
      rows.put(Column::status_feed, std::move(key), reference.SerializeAsString());
    }
    for (const auto& [id, change] : posts) {
      const store::Record& body = change.record->body;
      if (body.has_status_posted()) {
        put_post(rows, status_key(partition, user, id), body);
        continue;
      }
      rows.erase(Column::status, status_key(partition, user, id));
      if (!change.viewed) continue;
      for (const std::uint64_t viewer : body.status_removed().viewers()) {
        rows.erase(Column::status_view, status_view_key(partition, user, id, UserId(viewer)));
      }
    }
    store::StatusViewRow view;
    for (const auto& [which, change] : views) {
      view.set_viewed_ms(change.viewed_ms);
      view.set_expires_ms(change.expires_ms);
      rows.put(Column::status_view, status_view_key(partition, user, which.first, which.second),
               view.SerializeAsString());
    }
  });
  return 1 + count;
}

bool StatusUser::checkpointed(std::size_t& budget) {
  if (!changes_) return true;
  Changes& c = *changes_;
  if (!c.feed.checkpointed(budget) || !c.posts.checkpointed(budget) || !c.views.checkpointed(budget)) return false;
  if (c.feed.empty() && c.posts.empty() && c.views.empty()) changes_.reset();
  return true;
}

StatusPost* StatusUser::find_post(const MessageId& id) {
  const auto it = std::find_if(posts_.begin(), posts_.end(), [&](const StatusPost& post) { return post.id == id; });
  return it != posts_.end() ? &*it : nullptr;
}

const StatusPost* StatusUser::post(const MessageId& id) const {
  const auto it = std::find_if(posts_.begin(), posts_.end(), [&](const StatusPost& post) { return post.id == id; });
  return it != posts_.end() ? &*it : nullptr;
}

const StatusPost* StatusUser::live_post(const MessageId& id, std::int64_t now_ms) const {
  const StatusPost* found = post(id);
  return found != nullptr && live(*found, now_ms) ? found : nullptr;
}

std::size_t StatusUser::live_posts(std::int64_t now_ms) const {
  return static_cast<std::size_t>(
      std::count_if(posts_.begin(), posts_.end(), [&](const StatusPost& post) { return live(post, now_ms); }));
}

RecordPtr StatusUser::unstored_post(const MessageId& id) const {
  const PostChange* change = changes_ ? changes_->posts.find(id) : nullptr;
  return change != nullptr && change->record->body.has_status_posted() ? change->record : nullptr;
}

std::vector<StatusViewed> StatusUser::unstored_views(const MessageId& id, UserId after, std::size_t limit) const {
  std::vector<StatusViewed> views;
  if (!changes_) return views;
  changes_->views.visit_from({id, after}, [&](const std::pair<MessageId, UserId>& which, const ViewChange& change) {
    if (which.first != id || views.size() >= limit) return false;
    if (which.second > after) views.push_back({which.second, change.viewed_ms});
    return true;
  });
  return views;
}

const FeedEntry* StatusUser::reference(UserId author, const MessageId& id, std::int64_t now_ms) const {
  const auto it = std::find_if(feed_.begin(), feed_.end(),
                               [&](const FeedEntry& entry) { return entry.author == author && entry.id == id; });
  return it != feed_.end() && it->expires_ms > now_ms ? &*it : nullptr;
}

bool StatusUser::mutes(UserId author) const {
  return std::binary_search(muted_.begin(), muted_.end(), author);
}

std::uint32_t StatusUser::take_post(std::int64_t steady_ms, std::int64_t now_ms, std::uint32_t per_day) {
  // A clock 86,400 times slower makes a rate per second one per day.
  constexpr std::int64_t kSlower = 86'400;
  const std::int64_t now = steady_ms / kSlower;
  if (!std::exchange(charged_, true)) {
    const auto of_day = static_cast<std::uint32_t>(std::count_if(
        posts_.begin(), posts_.end(), [&](const StatusPost& post) { return post.posted_ms > now_ms - kDayMs; }));
    const std::uint32_t before = std::min(of_day, per_day);
    if (before != 0) posts_of_day_.take(now, per_day, per_day, before);
  }
  const std::uint64_t wait = posts_of_day_.take(now, per_day, per_day);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(wait * kSlower, kDayMs));
}

std::vector<StatusViewed> read_views(const Store& store, const PartitionMap& map, UserId author, const MessageId& id,
                                     UserId after, std::size_t limit) {
  std::vector<StatusViewed> views;
  if (after.value == ~0ULL) return views;
  const Partition partition = map.partition(author);
  const std::string prefix = status_key(partition, author, id);
  store::StatusViewRow row;
  store.scan(Column::status_view, status_view_key(partition, author, id, UserId(after.value + 1)), prefix_end(prefix),
             false, [&](std::string_view key, std::string_view value) {
               if (!row.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
               views.push_back({UserId(seq_of_key(key)), row.viewed_ms()});
               return views.size() < limit;
             });
  return views;
}

}  // namespace godwit
