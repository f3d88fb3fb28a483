// Seeing statuses: the feed, what is in one, who has seen it.
#include <algorithm>

#include "godwit.pb.h"
#include "status/status_service.h"
#include "storage/keys.h"

namespace godwit {
namespace {

// Authors who are told in one turn how many have seen something.
constexpr int kCountsPerTurn = 256;

// Both ascending; what is in both counts once.
std::vector<StatusViewed> merged(std::vector<StatusViewed> stored, const std::vector<StatusViewed>& fresh) {
  const auto by_viewer = [](const StatusViewed& a, const StatusViewed& b) { return a.viewer < b.viewer; };
  std::vector<StatusViewed> all;
  std::set_union(stored.begin(), stored.end(), fresh.begin(), fresh.end(), std::back_inserter(all), by_viewer);
  return all;
}

}  // namespace

void StatusService::list(UserId viewer, const FeedRequest& request, std::function<void(const FeedPage&)> reply) {
  reach_now(viewer);
  users_.with(viewer, [this, request, reply](const StatusUser& user) {
    pages_.Increment();
    const std::vector<UserId> followed = wiring_.followed(user.user(), feed_authors(user));
    reply(make_feed_page(user, followed, request, wiring_.clock.wall_ms()));
  });
}

void StatusService::get(UserId viewer, UserId author, const MessageId& id, Reply<OpenedStatus> reply) {
  if (viewer == author) {
    OpenedStatus own;
    own.reference = {0, author, id, 0, true};
    return open(viewer, std::move(own), std::move(reply));
  }
  reach_now(viewer);
  users_.with(viewer, [this, author, id, reply](const StatusUser& user) {
    const FeedEntry* reference = user.reference(author, id, wiring_.clock.wall_ms());
    if (reference == nullptr) return reply(Errc::status_not_found);
    OpenedStatus status;
    status.reference = *reference;
    status.muted = user.mutes(author);
    wiring_.blocks(user.user(), author, [this, viewer = user.user(), status = std::move(status), reply](bool blocks) {
      if (blocks) return reply(Errc::status_not_found);
      wiring_.at(status.reference.author,
                 [viewer, status, reply](StatusService& there) { there.open(viewer, status, reply); });
    });
  });
}

void StatusService::open(UserId viewer, OpenedStatus status, Reply<OpenedStatus> reply) {
  const UserId author = status.reference.author;
  const auto unblocked = [this, author, status = std::move(status), reply = std::move(reply)](bool blocks) {
    if (blocks) return reply(Errc::status_not_found);
    users_.with(author, [this, status, reply](const StatusUser& user) mutable {
      const MessageId id = status.reference.id;
      const StatusPost* post = user.live_post(id, wiring_.clock.wall_ms());
      if (post == nullptr) return reply(Errc::status_not_found);
      opened_.Increment();
      status.reference.posted_ms = post->posted_ms;
      status.reference.expires_ms = post->expires_ms;
      if (const RecordPtr record = user.unstored_post(id)) {
        status.device = DeviceId(record->body.status_posted().device_id());
        status.payload = record->body.status_posted().payload();
        return reply(status);
      }
      wiring_.readers.post([this, author = user.user(), status = std::move(status), reply]() mutable {
        const auto key = status_key(wiring_.map.partition(author), author, status.reference.id);
        const auto stored = wiring_.store.get(Column::status, key);
        store::StatusRow row;
        const bool found = stored && row.ParseFromString(*stored);
        status.device = DeviceId(row.device_id());
        status.payload = std::move(*row.mutable_payload());
        wiring_.worker.post([found, status = std::move(status), reply] {
          reply(found ? Result<OpenedStatus>(status) : Result<OpenedStatus>(Errc::status_not_found));
        });
      });
    });
  };
  if (viewer == author) return unblocked(false);
  wiring_.blocks(author, viewer, unblocked);
}

void StatusService::view(UserId viewer, UserId author, const MessageId& id, bool shown, Reply<Unit> reply) {
  reach_now(viewer);
  users_.with(viewer, [this, author, id, shown, reply](const StatusUser& user) {
    const FeedEntry* reference = user.reference(author, id, wiring_.clock.wall_ms());
    if (reference == nullptr) return reply(Errc::status_not_found);
    const std::pair<UserId, Name> viewing{user.user(), {author, id}};
    const bool seen = reference->seen;
    wiring_.blocks(user.user(), author, [this, viewing, seen, shown, reply](bool blocks) {
      if (blocks) return reply(Errc::status_not_found);
      if (seen || !viewing_.insert(viewing).second) return reply(Unit{});
      auto record = new_record();
      auto& viewed = *record->body.mutable_status_viewed();
      viewed.set_viewer(viewing.first.value);
      viewed.set_author(viewing.second.first.value);
      viewed.set_id(viewing.second.second.str());
      viewed.set_shown(shown);
      write(std::move(record), [this, viewing, reply](Errc outcome) {
        viewing_.erase(viewing);
        if (outcome == Errc::ok) views_.Increment();
        reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
      });
    });
  });
}

void StatusService::views(UserId author, const MessageId& id, UserId after, std::size_t limit,
                          Reply<StatusViewsPage> reply) {
  users_.with(author, [this, id, after, limit, reply = std::move(reply)](const StatusUser& user) {
    const StatusPost* post = user.live_post(id, wiring_.clock.wall_ms());
    if (post == nullptr) return reply(Errc::status_not_found);
    StatusViewsPage page;
    page.count = post->views;
    page.views = user.unstored_views(id, after, limit + 1);
    wiring_.readers.post([this, author = user.user(), id, after, limit, page = std::move(page), reply]() mutable {
      page.views = merged(read_views(wiring_.store, wiring_.map, author, id, after, limit + 1), page.views);
      page.more = page.views.size() > limit;
      if (page.more) page.views.resize(limit);
      wiring_.worker.post([page = std::move(page), reply] { reply(page); });
    });
  });
}

// The first is told at once, what follows within the interval at its end.
void StatusService::count_changed(const Name& name) {
  if (!wiring_.tells_views(name.first)) return;
  const auto [it, first] = counted_.try_emplace(name, false);
  if (!first) {
    it->second = true;
    return;
  }
  counts_due_.push_back({wiring_.clock.steady_ms() + options_.view_interval_ms, name});
  tell_count(name);
}

void StatusService::tell_due_counts() {
  const std::int64_t now = wiring_.clock.steady_ms();
  for (int i = 0; i < kCountsPerTurn && !counts_due_.empty() && counts_due_.front().at_ms <= now; ++i) {
    const Name name = counts_due_.front().name;
    counts_due_.pop_front();
    const auto it = counted_.find(name);
    if (!std::exchange(it->second, false)) {
      counted_.erase(it);
      continue;
    }
    counts_due_.push_back({now + options_.view_interval_ms, name});
    tell_count(name);
  }
}

void StatusService::tell_count(const Name& name) {
  users_.with(name.first, [this, id = name.second](const StatusUser& user) {
    const StatusPost* post = user.live_post(id, wiring_.clock.wall_ms());
    if (post == nullptr || !wiring_.tells_views(user.user())) return;
    v1::ServerFrame frame;
    frame.mutable_status_view_count()->set_id(id.str());
    frame.mutable_status_view_count()->set_count(post->views);
    wiring_.push(user.user(), frame.SerializeAsString());
    view_counts_.Increment();
  });
}

}  // namespace godwit
