#include "status/status_service.h"

#include <algorithm>
#include <cstdlib>

#include "storage/keys.h"

namespace godwit {

StatusService::StatusService(StatusWiring wiring, const StatusOptions& options, Metrics& metrics)
    : wiring_(std::move(wiring)),
      options_(options),
      users_(wiring_.worker, wiring_.map, wiring_.store, wiring_.readers, options.cached_users, options.user),
      posted_(metrics.counter("godwit_statuses_posted_total", "Statuses posted")),
      repeated_(metrics.counter("godwit_statuses_repeated_total", "Statuses recognised by their id as posted before")),
      removed_(metrics.counter("godwit_statuses_removed_total", "Statuses removed by their author")),
      references_(metrics.counter("godwit_status_references_total", "References put into feeds, or taken out on behalf "
                                                                    "of the author")),
      references_waiting_(metrics.gauge("godwit_status_references_waiting", "References on their way into feeds")),
      news_(metrics.counter("godwit_status_news_total", "Users told of a status posted or removed")),
      news_dropped_(metrics.counter("godwit_status_news_dropped_total", "Users not told, since too many wait for it")),
      news_waiting_(metrics.gauge("godwit_status_news_waiting", "Users online who have yet to be told of a status")),
      pages_(metrics.counter("godwit_status_feed_pages_total", "Pages of feeds listed")),
      opened_(metrics.counter("godwit_statuses_opened_total", "Contents of statuses handed out")),
      views_(metrics.counter("godwit_status_views_total", "Statuses seen for the first time by a viewer")),
      view_counts_(metrics.counter("godwit_status_view_counts_total", "Pushes to authors of how many have seen")) {}

std::shared_ptr<Record> StatusService::new_record() const {
  auto record = std::make_shared<Record>();
  record->body.set_time_ms(wiring_.clock.wall_ms());
  return record;
}

void StatusService::write(RecordPtr record, std::function<void(Errc)> done) {
  if (!wiring_.writer.writable()) return done(Errc::storage_unavailable);
  record->done_worker = wiring_.worker.index();
  record->done = [done = std::move(done)](const Record&, Errc outcome) { done(outcome); };
  wiring_.writer.add(std::move(record));
}

void StatusService::post(NewStatus status, Reply<PostedStatus> reply) {
  const UserId author = status.author;
  auto posting = std::make_shared<NewStatus>(std::move(status));
  users_.with(author, [this, posting, reply = std::move(reply)](StatusUser& user) {
    if (answer_repeat(user, posting->id, reply)) return;
    if (const Status admitted = admit(user, posting->id); !admitted) return reply(admitted.error());
    wiring_.viewers(posting->author, posting->audience, std::move(posting->users),
                    [this, posting, reply](const std::vector<UserId>& viewers) {
      // Later, if the author has left the cache meanwhile.
      users_.with(posting->author, [this, posting, viewers, reply](StatusUser& again) {
        decide(again, *posting, viewers, reply);
      });
    });
  });
}

bool StatusService::answer_repeat(const StatusUser& author, const MessageId& id, const Reply<PostedStatus>& reply) {
  if (const StatusPost* known = author.post(id)) {
    repeated_.Increment();
    // What was removed has its end behind it.
    reply(PostedStatus{known->posted_ms, std::max(known->expires_ms, known->posted_ms), known->viewers});
    return true;
  }
  const auto deciding = deciding_.find({author.user(), id});
  if (deciding == deciding_.end()) return false;
  repeated_.Increment();
  deciding->second.repeats.push_back(reply);
  return true;
}

Status StatusService::admit(const StatusUser& author, const MessageId& id) const {
  const std::int64_t now_ms = wiring_.clock.wall_ms();
  if (std::abs(id.time_ms() - now_ms) > options_.max_clock_skew_ms) return Errc::message_id_expired;
  if (closing_.contains(author.user())) return Errc::user_not_found;
  if (!wiring_.writer.writable()) return Errc::storage_unavailable;
  if (author.live_posts(now_ms) + deciding_of(author.user()).size() >= options_.user.max_live_posts) {
    return Error(Errc::too_large, "there are as many statuses as allowed that have not expired");
  }
  return Unit{};
}

std::vector<MessageId> StatusService::deciding_of(UserId author) const {
  std::vector<MessageId> ids;
  for (auto it = deciding_.lower_bound({author, MessageId()}); it != deciding_.end() && it->first.first == author; ++it) {
    ids.push_back(it->first.second);
  }
  return ids;
}

void StatusService::decide(StatusUser& author, NewStatus& status, const std::vector<UserId>& viewers,
                           const Reply<PostedStatus>& reply) {
  // While the viewers were looked up, the same may have come again.
  if (answer_repeat(author, status.id, reply)) return;
  if (const Status admitted = admit(author, status.id); !admitted) return reply(admitted.error());
  if (viewers.empty()) return reply(Errc::audience_empty);
  const std::uint32_t wait =
      author.take_post(wiring_.clock.steady_ms(), wiring_.clock.wall_ms(), options_.posts_per_day);
  if (wait != 0) return reply(Error(Errc::rate_limited, "no more statuses for now", wait));

  auto record = new_record();
  // Different for all posts of one author: the rows of feeds are named by it.
  std::int64_t last_ms = author.last_posted_ms();
  for (const MessageId& id : deciding_of(author.user())) {
    last_ms = std::max(last_ms, deciding_.at({author.user(), id}).record->body.time_ms());
  }
  const std::int64_t posted_ms = std::max(record->body.time_ms(), last_ms + 1);
  record->body.set_time_ms(posted_ms);
  auto& posted = *record->body.mutable_status_posted();
  posted.set_author(author.user().value);
  posted.set_id(status.id.str());
  posted.set_device_id(status.device.value);
  posted.set_payload(std::move(status.payload));
  posted.set_expires_ms(posted_ms + options_.ttl_ms);
  posted.mutable_viewers()->Reserve(static_cast<int>(viewers.size()));
  for (const UserId viewer : viewers) posted.add_viewers(viewer.value);
  const PostedStatus answer{posted_ms, posted.expires_ms(), static_cast<std::uint32_t>(viewers.size())};
  const Name name{author.user(), status.id};
  deciding_[name].record = record;
  write(std::move(record), [this, name, answer, reply](Errc outcome) {
    const auto deciding = deciding_.extract(name);
    if (outcome == Errc::ok) posted_.Increment();
    const Result<PostedStatus> result = outcome == Errc::ok ? Result<PostedStatus>(answer) : Result<PostedStatus>(outcome);
    reply(result);
    for (const auto& repeat : deciding.mapped().repeats) repeat(result);
  });
}

void StatusService::remove(UserId author, const MessageId& id, Reply<Unit> reply) {
  if (removing_.contains({author, id})) return reply(Errc::status_not_found);
  remove_any(author, id, std::move(reply));
}

// Also what is being posted or removed.
void StatusService::remove_any(UserId author, const MessageId& id, Reply<Unit> reply) {
  users_.with(author, [this, id, reply = std::move(reply)](StatusUser& user) {
    const UserId author = user.user();
    RecordPtr record = user.unstored_post(id);
    if (const auto deciding = deciding_.find({author, id}); deciding != deciding_.end()) {
      record = deciding->second.record;
    } else if (user.live_post(id, wiring_.clock.wall_ms()) == nullptr) {
      return reply(Errc::status_not_found);
    }
    if (record != nullptr) return write_removal(author, id, record->body.status_posted().viewers(), reply);
    removing_.insert({author, id});
    wiring_.readers.post([this, author, id, reply] {
      auto row = std::make_shared<store::StatusRow>();
      const auto stored = wiring_.store.get(Column::status, status_key(wiring_.map.partition(author), author, id));
      if (stored) row->ParseFromString(*stored);
      wiring_.worker.post([this, author, id, row, reply] { write_removal(author, id, row->viewers(), reply); });
    });
  });
}

void StatusService::write_removal(UserId author, const MessageId& id,
                                  const google::protobuf::RepeatedField<std::uint64_t>& viewers, Reply<Unit> reply) {
  removing_.insert({author, id});
  auto record = new_record();
  auto& removed = *record->body.mutable_status_removed();
  removed.set_author(author.value);
  removed.set_id(id.str());
  *removed.mutable_viewers() = viewers;
  write(std::move(record), [this, author, id, reply = std::move(reply)](Errc outcome) {
    removing_.erase({author, id});
    if (outcome == Errc::ok) removed_.Increment();
    reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
  });
}

void StatusService::remove_all(UserId author, Reply<Unit> reply) {
  closing_.insert(author);
  users_.with(author, [this, reply = std::move(reply)](StatusUser& user) {
    auto ids = std::make_shared<std::vector<MessageId>>(deciding_of(user.user()));
    for (const StatusPost& post : user.posts()) {
      if (StatusUser::live(post, wiring_.clock.wall_ms())) ids->push_back(post.id);
    }
    remove_next(user.user(), ids, reply);
  });
}

void StatusService::remove_next(UserId author, std::shared_ptr<std::vector<MessageId>> ids, Reply<Unit> reply) {
  if (ids->empty()) return reply(Unit{});
  const MessageId id = ids->back();
  ids->pop_back();
  remove_any(author, id, [this, author, ids, reply](const Result<Unit>& removed) {
    // Gone already.
    const bool gone = !removed && removed.error().code == Errc::status_not_found;
    if (removed || gone) return remove_next(author, ids, reply);
    reopen(author);
    reply(removed);
  });
}

void StatusService::mute(UserId user, UserId author, bool lift, Reply<Unit> reply) {
  users_.with(user, [this, author, lift, reply = std::move(reply)](StatusUser& state) {
    if (state.mutes_decided == 0 && state.mutes(author) != lift) return reply(Unit{});
    if (!lift && state.muted().size() + state.mutes_decided >= StatusUser::kMaxMuted) {
      return reply(Error(Errc::too_large, "the list of muted users is full"));
    }
    ++state.mutes_decided;
    auto record = new_record();
    auto& muted = *record->body.mutable_status_muted();
    muted.set_user(state.user().value);
    muted.set_author(author.value);
    muted.set_lifted(lift);
    write(std::move(record), [this, user = state.user(), reply](Errc outcome) {
      if (StatusUser* again = users_.find(user)) --again->mutes_decided;
      reply(outcome == Errc::ok ? Status(Unit{}) : Status(outcome));
    });
  });
}

// Whom an author has blocked loses what there is of the author.
void StatusService::take_away_from_blocked() {
  if (!wiring_.writer.writable()) return;
  for (std::size_t left = blocked_.size(); left > 0; --left) {
    const auto [author, viewer] = blocked_.front();
    blocked_.pop_front();
    users_.with(author, [this, viewer = viewer](StatusUser& user) {
      if (user.live_posts(wiring_.clock.wall_ms()) == 0 && deciding_of(user.user()).empty()) return;
      auto record = new_record();
      auto& removed = *record->body.mutable_status_removed();
      removed.set_author(user.user().value);
      removed.add_viewers(viewer.value);
      write(std::move(record), [this, author = user.user(), viewer](Errc outcome) {
        if (outcome != Errc::ok) blocked_.emplace_back(author, viewer);
      });
    });
  }
}

void StatusService::end_turn() {
  if (!blocked_.empty()) take_away_from_blocked();
  if (!counts_due_.empty()) tell_due_counts();
}

}  // namespace godwit
