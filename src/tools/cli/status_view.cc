#include "tools/cli/status_view.h"

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/format.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::uint32_t kPage = 200;
// Far more than a server keeps in one feed: ends the paging with a server that never does.
constexpr std::size_t kMostListed = 200'000;

[[noreturn]] void throw_none(const std::string& which) {
  throw CommandError(ExitCode::server, "status_not_found",
                     "no status " + which + ": `status list` and `status mine` tell which there are");
}

std::vector<ListedStatus> own_as_listed(CommandSession& session) {
  std::vector<v1::StatusRef> refs;
  const v1::OwnStatuses all = list_own(session);
  for (const v1::OwnStatus& own : all.statuses()) {
    v1::StatusRef& ref = refs.emplace_back();
    ref.set_author(session.self().value);
    ref.set_id(own.id());
    ref.set_posted_ms(own.posted_ms());
  }
  return listed(refs);
}

}  // namespace

std::vector<ListedStatus> list_feed(CommandSession& session, bool with_muted) {
  std::vector<v1::StatusRef> refs;
  v1::ClientFrame frame;
  v1::ListStatuses& request = *frame.mutable_list_statuses();
  request.set_limit(kPage);
  request.set_with_muted(with_muted);
  for (;;) {
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kStatusFeed, Retry::yes);
    const v1::StatusFeed& page = reply.status_feed();
    refs.insert(refs.end(), page.statuses().begin(), page.statuses().end());
    if (page.next().empty() || refs.size() >= kMostListed) return listed(refs);
    request.set_after(page.next());
  }
}

v1::OwnStatuses list_own(CommandSession& session) {
  v1::ClientFrame frame;
  frame.mutable_list_own_statuses();
  return session.call(frame, v1::ServerFrame::kOwnStatuses, Retry::yes).own_statuses();
}

MessageId find_status(CommandSession& session, UserId author, const std::string& which) {
  if (author == session.self()) return find_own_status(session, which);
  // An id needs no list: the server knows whether the user may see it.
  if (const auto id = parse_uuid(which)) return *id;
  const auto id = choose_status(list_feed(session, true), author, which);
  if (!id) throw_none(which);
  return *id;
}

MessageId find_own_status(CommandSession& session, const std::string& which) {
  if (const auto id = parse_uuid(which)) return *id;
  const auto id = choose_status(own_as_listed(session), session.self(), which);
  if (!id) throw_none(which);
  return *id;
}

void show_listed(CommandSession& session, const ListedStatus& status) {
  const std::int64_t now_ms = SystemClock().wall_ms();
  const std::string name = session.name_of(status.author);
  session.out().result(name + " " + std::to_string(status.number) + "  " +
                           format_time(status.posted_ms, now_ms) + "  " + (status.seen ? "seen" : "new") +
                           "  " + time_left_text(status.expires_ms, session.client().server_now_ms()) +
                           (status.muted ? "  muted" : "") + "  " + format_uuid(status.id),
                       {{"type", "status"},
                        {"author", name},
                        {"author_id", std::to_string(status.author.value)},
                        {"number", status.number},
                        {"id", format_uuid(status.id)},
                        {"posted_ms", status.posted_ms},
                        {"expires_ms", status.expires_ms},
                        {"seen", status.seen},
                        {"muted", status.muted}});
}

void open_status(CommandSession& session, UserId author, const MessageId& id) {
  v1::ClientFrame frame;
  frame.mutable_get_status()->set_author(author.value);
  frame.mutable_get_status()->set_id(id.str());
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kStatus, Retry::yes);
  const v1::Status& status = reply.status();
  const auto key = session.status_key_of(author);
  const auto text = key ? key->open(status.payload(), author, id) : std::nullopt;
  const std::string problem = key ? "cannot be decrypted: another passphrase, another client, or altered"
                                  : "encrypted: no passphrase given";
  const std::string name = session.name_of(author);
  nlohmann::ordered_json out = {{"type", "status_content"},
                                {"author", name},
                                {"author_id", std::to_string(author.value)},
                                {"from_device", status.from_device()},
                                {"id", format_uuid(id)},
                                {"posted_ms", status.ref().posted_ms()},
                                {"expires_ms", status.ref().expires_ms()}};
  if (text) {
    out["text"] = *text;
  } else {
    out["problem"] = problem;
  }
  session.out().result(format_time(status.ref().posted_ms(), SystemClock().wall_ms()) + " status of " + name +
                           ": " + (text ? sanitize(*text) : "[" + problem + "]"),
                       out);
  if (author == session.self() || !text) return;
  v1::ClientFrame view;
  view.mutable_view_status()->set_author(author.value);
  view.mutable_view_status()->set_id(id.str());
  session.call(view, v1::ServerFrame::kDone, Retry::yes);
}

void post_status(CommandSession& session, v1::StatusAudience audience, const std::vector<UserId>& users,
                 std::string_view text) {
  if (text.empty()) throw CommandError(ExitCode::usage, "usage", "an empty status");
  session.require_passphrase();
  const MessageId id = make_message_id(session.client().server_now_ms());
  v1::ClientFrame frame;
  v1::PostStatus& request = *frame.mutable_post_status();
  request.set_id(id.str());
  request.set_payload(session.status_key_of(session.self())->seal(text, session.self(), id));
  request.set_audience(audience);
  for (const UserId user : users) request.add_users(user.value);
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kStatusPosted, Retry::yes);
  const v1::StatusPosted& posted = reply.status_posted();
  session.out().result("posted " + format_uuid(id) + ": " + std::to_string(posted.viewers()) +
                           " may see it; " +
                           time_left_text(posted.expires_ms(), session.client().server_now_ms()),
                       {{"type", "status_posted"},
                        {"id", format_uuid(id)},
                        {"posted_ms", posted.posted_ms()},
                        {"expires_ms", posted.expires_ms()},
                        {"viewers", posted.viewers()}});
}

bool show_status_news(CommandSession& session, const v1::ServerFrame& push, UserId here) {
  if (push.has_status_view_count()) {
    const v1::StatusViewCount& seen = push.status_view_count();
    if (seen.id().size() != MessageId().bytes.size()) return true;
    const MessageId id(MessageId::from(seen.id()));
    session.out().result("  your status of " + format_time(id.time_ms(), SystemClock().wall_ms()) +
                             " was seen by " + std::to_string(seen.count()),
                         {{"type", "status_views"}, {"id", format_uuid(id)}, {"count", seen.count()}});
    return true;
  }
  if (!push.has_status_news()) return false;
  const v1::StatusNews& news = push.status_news();
  const UserId author(news.ref().author());
  // What was posted or removed on this device was said already.
  if (author == session.self()) return true;
  const std::string name = session.name_of(author);
  std::string id;
  if (news.ref().id().size() == MessageId().bytes.size()) {
    id = format_uuid(MessageId(MessageId::from(news.ref().id())));
  }
  const std::string hint = author == here ? " (/status opens it)" : "";
  session.out().result(
      "  " + name + (news.removed() ? " has removed a status" : " has posted a status" + hint),
      {{"type", news.removed() ? "status_removed" : "status_news"},
       {"author", name},
       {"author_id", std::to_string(author.value)},
       {"id", id},
       {"posted_ms", news.ref().posted_ms()},
       {"expires_ms", news.ref().expires_ms()}});
  return true;
}

}  // namespace godwit::cli
