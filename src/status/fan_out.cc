// Records of statuses on their way to those whom they concern.
#include <algorithm>
#include <limits>

#include "godwit.pb.h"
#include "status/status_service.h"

namespace godwit {
namespace {

// Viewers who get a reference in one turn: about half a microsecond each.
constexpr std::size_t kFanOutSlice = 1024;
// Records that wait for that; one more, and all are done at once.
constexpr std::size_t kMaxFanOuts = 64;
// Users who are told in one turn, each by system calls of their connections.
constexpr std::size_t kTellSlice = 256;
// Users online who wait to be told on one worker; more are not: they find out when they list.
constexpr std::size_t kMaxToTell = 200'000;

}  // namespace

void StatusService::applied(const RecordPtr& record) {
  const store::Record& body = record->body;
  switch (body.body_case()) {
    case store::Record::kStatusPosted:
    case store::Record::kStatusRemoved: {
      const bool posted = body.has_status_posted();
      const UserId author(posted ? body.status_posted().author() : body.status_removed().author());
      // Without an id, the author keeps them.
      if (mine(author) && (posted || !body.status_removed().id().empty())) {
        apply(author, record);
        if (wiring_.online(author)) wiring_.push(author, news_of(*record)->frame);
      }
      fan_out(record, posted ? body.status_posted().viewers() : body.status_removed().viewers());
      break;
    }
    case store::Record::kStatusViewed: {
      const UserId viewer(body.status_viewed().viewer());
      const UserId author(body.status_viewed().author());
      if (mine(viewer)) apply(viewer, record);
      if (mine(author) && body.status_viewed().shown()) {
        apply(author, record);
        count_changed({author, MessageId(MessageId::from(body.status_viewed().id()))});
      }
      break;
    }
    case store::Record::kStatusMuted:
      apply(UserId(body.status_muted().user()), record);
      break;
    case store::Record::kUserDeleted: {
      const UserId user(body.user_deleted().user());
      if (!mine(user)) break;
      closing_.erase(user);
      apply(user, record);
      break;
    }
    case store::Record::kBlockChanged: {
      const UserId author(body.block_changed().blocker());
      if (body.block_changed().lifted() || !mine(author)) break;
      blocked_.emplace_back(author, UserId(body.block_changed().blocked()));
      break;
    }
    default:
      break;
  }
}

void StatusService::fan_out(const RecordPtr& record, const google::protobuf::RepeatedField<std::uint64_t>& viewers) {
  FanOut step;
  step.record = record;
  for (const std::uint64_t viewer : viewers) {
    if (mine(UserId(viewer))) step.viewers.push_back(UserId(viewer));
  }
  if (step.viewers.empty()) return;
  references_.Increment(static_cast<double>(step.viewers.size()));
  if (step.viewers.size() <= kFanOutSlice && fan_outs_.empty()) {
    reach_some(step, step.viewers.size());
    return tell(step);
  }
  if (fan_outs_.size() >= kMaxFanOuts) finish_fan_outs();
  references_waiting_.Increment(static_cast<double>(step.viewers.size()));
  fan_outs_.push_back(std::move(step));
  fan_out_later();
}

void StatusService::fan_out_later() {
  if (fanning_out_ || fan_outs_.empty()) return;
  fanning_out_ = true;
  wiring_.worker.post([this] {
    fanning_out_ = false;
    fan_out_some(kFanOutSlice);
    fan_out_later();
  });
}

void StatusService::fan_out_some(std::size_t budget) {
  while (budget > 0 && !fan_outs_.empty()) {
    FanOut& first = fan_outs_.front();
    const std::size_t count = std::min(budget, first.viewers.size() - first.next);
    reach_some(first, count);
    references_waiting_.Decrement(static_cast<double>(count));
    budget -= count;
    if (first.next < first.viewers.size()) continue;
    tell(first);
    fan_outs_.pop_front();
  }
}

void StatusService::finish_fan_outs() {
  fan_out_some(std::numeric_limits<std::size_t>::max());
}

void StatusService::reach_some(FanOut& step, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) reach(step, step.viewers[step.next++]);
}

void StatusService::reach(FanOut& step, UserId viewer) {
  users_.apply(viewer, step.record);
  if (wiring_.online(viewer)) step.online.push_back(viewer);
}

// A row takes its records in the order of the journal: first those that are still on their way to the user.
void StatusService::apply(UserId user, const RecordPtr& record) {
  reach_now(user);
  users_.apply(user, record);
}

void StatusService::reach_now(UserId user) {
  for (FanOut& step : fan_outs_) {
    const auto begin = step.viewers.begin() + static_cast<std::ptrdiff_t>(step.next);
    const auto viewer = std::lower_bound(begin, step.viewers.end(), user);
    if (viewer == step.viewers.end() || *viewer != user) continue;
    step.viewers.erase(viewer);
    references_waiting_.Decrement();
    reach(step, user);
  }
}

std::shared_ptr<const StatusService::News> StatusService::news_of(const Record& record) {
  auto news = std::make_shared<News>();
  v1::ServerFrame frame;
  v1::StatusNews& told = *frame.mutable_status_news();
  v1::StatusRef& ref = *told.mutable_ref();
  if (record.body.has_status_posted()) {
    const auto& posted = record.body.status_posted();
    ref.set_author(posted.author());
    ref.set_id(posted.id());
    ref.set_posted_ms(record.body.time_ms());
    ref.set_expires_ms(posted.expires_ms());
  } else {
    ref.set_author(record.body.status_removed().author());
    ref.set_id(record.body.status_removed().id());
    told.set_removed(true);
  }
  news->author = UserId(ref.author());
  news->lsn = record.lsn.value;
  news->removed = told.removed();
  news->frame = frame.SerializeAsString();
  return news;
}

void StatusService::tell(FanOut& step) {
  if (step.online.empty()) return;
  if (to_tell_ + step.online.size() > kMaxToTell) {
    news_dropped_.Increment(static_cast<double>(step.online.size()));
    return;
  }
  to_tell_ += step.online.size();
  news_waiting_.Increment(static_cast<double>(step.online.size()));
  telling_.push_back({news_of(*step.record), std::move(step.online), 0});
  if (!telling_later_) tell_some();
}

void StatusService::tell_some() {
  std::size_t told = 0;
  for (; told < kTellSlice && !telling_.empty(); ++told) {
    Telling& first = telling_.front();
    users_.with(first.viewers[first.next], [this, news = first.news](const StatusUser& viewer) { tell_one(viewer, *news); });
    if (++first.next == first.viewers.size()) telling_.pop_front();
  }
  to_tell_ -= told;
  news_waiting_.Decrement(static_cast<double>(told));
  telling_later_ = !telling_.empty();
  if (telling_later_) wiring_.worker.post([this] { tell_some(); });
}

void StatusService::tell_one(const StatusUser& viewer, const News& news) {
  if (viewer.mutes(news.author) || wiring_.followed(viewer.user(), {news.author}).empty()) return;
  // Whoever had nothing of it does not learn that it went: that might tell of a block.
  if (news.removed && viewer.taken_away_lsn() < news.lsn) return;
  wiring_.push(viewer.user(), news.frame);
  news_.Increment();
}

}  // namespace godwit
