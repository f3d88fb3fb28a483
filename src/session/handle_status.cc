// Requests about statuses: PostStatus, ListStatuses, GetStatus, ViewStatus, RemoveStatus, MuteStatus,
// ListStatusViews, ListOwnStatuses.
#include <algorithm>
#include <utility>

#include "godwit.pb.h"
#include "session/account_wire.h"
#include "session/request_checks.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr int kMaxUsers = 10'000;
constexpr std::uint32_t kFeedPage = 50;
constexpr std::uint32_t kMaxFeedPage = 200;
constexpr std::uint32_t kViewsPage = 200;
constexpr std::uint32_t kMaxViewsPage = 1'000;

std::uint32_t page_limit(std::uint32_t asked, std::uint32_t usual, std::uint32_t most) {
  return asked == 0 ? usual : std::min(asked, most);
}

void reference_to_wire(const FeedEntry& entry, bool muted, v1::StatusRef& ref) {
  ref.set_author(entry.author.value);
  ref.set_id(entry.id.str());
  ref.set_posted_ms(entry.posted_ms);
  ref.set_expires_ms(entry.expires_ms);
  ref.set_seen(entry.seen);
  ref.set_muted(muted);
}

}  // namespace

void Session::handle_post_status(Request& frame) {
  v1::PostStatus& asked = *frame.mutable_post_status();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  if (asked.payload().empty()) return answer_error(id, Error(Errc::invalid_argument, "the payload is empty"));
  if (asked.payload().size() > host_->options().max_status_payload_bytes) return answer_error(id, Errc::too_large);
  if (asked.users_size() > kMaxUsers) return answer_error(id, Error(Errc::too_large, "at most 10,000 users"));
  if (!v1::StatusAudience_IsValid(asked.audience())) {
    return answer_error(id, Error(Errc::invalid_argument, "`audience` is none that this server knows"));
  }
  NewStatus status;
  status.author = user_;
  status.device = device_;
  status.id = MessageId::from(asked.id());
  status.payload = std::move(*asked.mutable_payload());
  status.audience = static_cast<StatusAudience>(asked.audience());
  for (const std::uint64_t user : asked.users()) status.users.push_back(UserId(user));
  host_->shard().statuses().post(std::move(status), [anchor = anchor_, id](const Result<PostedStatus>& posted) {
    to_session(anchor, [id, posted](Session& session) {
      if (!posted) return session.answer_error(id, posted.error());
      v1::ServerFrame& reply = session.begin(id);
      reply.mutable_status_posted()->set_posted_ms(posted->posted_ms);
      reply.mutable_status_posted()->set_expires_ms(posted->expires_ms);
      reply.mutable_status_posted()->set_viewers(posted->viewers);
      session.answer(reply);
    });
  });
}

void Session::handle_list_statuses(Request& frame) {
  const v1::ListStatuses& asked = frame.list_statuses();
  const std::uint64_t id = frame.request_id();
  FeedRequest request;
  request.limit = page_limit(asked.limit(), kFeedPage, kMaxFeedPage);
  request.with_muted = asked.with_muted();
  if (!asked.after().empty()) {
    request.after = FeedPosition::decode(asked.after());
    if (!request.after) return answer_error(id, Error(Errc::invalid_argument, "`after` is no `next` of a page"));
  }
  host_->shard().statuses().list(user_, request, [anchor = anchor_, id](const FeedPage& page) {
    to_session(anchor, [id, page](Session& session) {
      v1::ServerFrame& reply = session.begin(id);
      auto& feed = *reply.mutable_status_feed();
      for (const FeedItem& item : page.items) reference_to_wire(item.entry, item.muted, *feed.add_statuses());
      if (page.next) feed.set_next(page.next->encode());
      feed.set_unseen(page.unseen);
      session.answer(reply);
    });
  });
}

void Session::handle_get_status(Request& frame) {
  const v1::GetStatus& asked = frame.get_status();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  host_->shard().statuses().get(user_, UserId(asked.author()), MessageId::from(asked.id()),
                                [anchor = anchor_, id](const Result<OpenedStatus>& opened) {
    to_session(anchor, [id, opened](Session& session) {
      if (!opened) return session.answer_error(id, opened.error());
      v1::ServerFrame& reply = session.begin(id);
      auto& status = *reply.mutable_status();
      reference_to_wire(opened->reference, opened->muted, *status.mutable_ref());
      status.set_payload(opened->payload);
      status.set_from_device(opened->device.value);
      session.answer(reply);
    });
  });
}

void Session::handle_view_status(Request& frame) {
  const v1::ViewStatus& asked = frame.view_status();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  // To look at one's own is nobody's news.
  if (asked.author() == user_.value) return answer_done(id);
  host_->shard().statuses().view(user_, UserId(asked.author()), MessageId::from(asked.id()),
                                 !account_->hides_read_receipts(), done_reply(id));
}

void Session::handle_remove_status(Request& frame) {
  const std::uint64_t id = frame.request_id();
  const std::string& status = frame.remove_status().id();
  if (!is_message_id(status)) return answer_error(id, Errc::message_id_invalid);
  host_->shard().statuses().remove(user_, MessageId::from(status), done_reply(id));
}

void Session::handle_mute_status(Request& frame) {
  const UserId author(frame.mute_status().author());
  const std::uint64_t id = frame.request_id();
  if (!author || author == user_) {
    return answer_error(id, Error(Errc::invalid_argument, "`author` must be another user"));
  }
  host_->shard().statuses().mute(user_, author, frame.mute_status().lift(), done_reply(id));
}

void Session::handle_list_status_views(Request& frame) {
  const v1::ListStatusViews& asked = frame.list_status_views();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  const auto answer_views = [anchor = anchor_, id](const Result<StatusViewsPage>& page) {
    to_session(anchor, [id, page](Session& session) {
      if (!page) return session.answer_error(id, page.error());
      v1::ServerFrame& reply = session.begin(id);
      auto& views = *reply.mutable_status_views();
      // Who tells nobody does not learn of others.
      if (session.state_ == State::live && !session.account_->hides_read_receipts()) {
        views.set_count(page->count);
        views.set_more(page->more);
        for (const StatusViewed& one : page->views) {
          auto& view = *views.add_views();
          view.set_user_id(one.viewer.value);
          view.set_viewed_ms(one.viewed_ms);
        }
      }
      session.answer(reply);
    });
  };
  host_->shard().statuses().views(user_, MessageId::from(asked.id()), UserId(asked.after()),
                                  page_limit(asked.limit(), kViewsPage, kMaxViewsPage), answer_views);
}

void Session::handle_list_own_statuses(Request& frame) {
  host_->shard().statuses().with_user(user_, [anchor = anchor_, id = frame.request_id()](StatusUser& user) {
    to_session(anchor, [id, posts = user.posts()](Session& session) {
      if (session.state_ != State::live) return;
      v1::ServerFrame& reply = session.begin(id);
      auto& own = *reply.mutable_own_statuses();
      for (const StatusPost& post : posts) {
        if (!StatusUser::live(post, session.host_->clock.wall_ms())) continue;
        own_status_to_wire(post, session.account_->hides_read_receipts(), *own.add_statuses());
      }
      session.answer(reply);
    });
  });
}

}  // namespace godwit
