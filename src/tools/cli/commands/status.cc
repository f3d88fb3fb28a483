// status post, list, show, mine, views, remove, mute, unmute, reply.
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/format.h"
#include "tools/cli/sanitize.h"
#include "tools/cli/status_view.h"

namespace godwit::cli {
namespace {

constexpr std::uint32_t kPage = 1000;

ExitCode connected(Context& context, const std::function<void(CommandSession&)>& what) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  what(session);
  session.close();
  return ExitCode::ok;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void show_own(CommandSession& session, const v1::OwnStatus& own, std::size_t number) {
  if (own.id().size() != MessageId().bytes.size()) return;
  const std::string id = format_uuid(MessageId(MessageId::from(own.id())));
  session.out().result(std::to_string(number) + "  " + format_time(own.posted_ms(), SystemClock().wall_ms()) +
                           "  seen by " + std::to_string(own.views()) + " of " +
                           std::to_string(own.viewers()) + "  " +
                           time_left_text(own.expires_ms(), session.client().server_now_ms()) + "  " + id,
                       {{"type", "own_status"},
                        {"number", number},
                        {"id", id},
                        {"posted_ms", own.posted_ms()},
                        {"expires_ms", own.expires_ms()},
                        {"viewers", own.viewers()},
                        {"views", own.views()}});
}

void show_views(CommandSession& session, const MessageId& id) {
  v1::ClientFrame frame;
  v1::ListStatusViews& request = *frame.mutable_list_status_views();
  request.set_id(id.str());
  request.set_limit(kPage);
  for (bool first = true;; first = false) {
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kStatusViews, Retry::yes);
    const v1::StatusViews& page = reply.status_views();
    if (first) {
      session.out().result("seen by " + std::to_string(page.count()),
                           {{"type", "status_views"}, {"id", format_uuid(id)}, {"count", page.count()}});
    }
    for (const v1::StatusView& view : page.views()) {
      const std::string name = session.name_of(UserId(view.user_id()));
      session.out().result("  " + name + "  " + format_time(view.viewed_ms(), SystemClock().wall_ms()),
                           {{"type", "status_view"},
                            {"user", name},
                            {"user_id", std::to_string(view.user_id())},
                            {"viewed_ms", view.viewed_ms()}});
    }
    if (!page.more() || page.views().empty()) return;
    request.set_after(page.views(page.views_size() - 1).user_id());
  }
}

}  // namespace

ExitCode run_status_post(Context& context, const StatusOptions& options) {
  const std::vector<std::string> only = split_names(options.only);
  const std::vector<std::string> except = split_names(options.except);
  if (!only.empty() && !except.empty()) {
    throw CommandError(ExitCode::usage, "usage", "give either --to or --except");
  }
  return connected(context, [&](CommandSession& session) {
    session.require_passphrase();
    std::vector<UserId> users;
    for (const Contact& user : session.find_users(only.empty() ? except : only)) users.push_back(user.user);
    const v1::StatusAudience audience = !only.empty()     ? v1::STATUS_ONLY
                                        : !except.empty() ? v1::STATUS_EXCEPT
                                                          : v1::STATUS_AS_SET;
    post_status(session, audience, users, joined(options.words));
  });
}

ExitCode run_status_list(Context& context, bool with_muted) {
  return connected(context, [&](CommandSession& session) {
    for (const ListedStatus& status : list_feed(session, with_muted)) show_listed(session, status);
  });
}

ExitCode run_status_show(Context& context, const StatusOptions& options) {
  return connected(context, [&](CommandSession& session) {
    const UserId author = session.find_user(options.author).user;
    open_status(session, author, find_status(session, author, options.which));
  });
}

ExitCode run_status_mine(Context& context) {
  return connected(context, [](CommandSession& session) {
    const v1::OwnStatuses own = list_own(session);
    for (int i = 0; i < own.statuses_size(); ++i) {
      show_own(session, own.statuses(i), static_cast<std::size_t>(own.statuses_size() - i));
    }
  });
}

ExitCode run_status_views(Context& context, const std::string& which) {
  return connected(context,
                   [&](CommandSession& session) { show_views(session, find_own_status(session, which)); });
}

ExitCode run_status_remove(Context& context, const std::string& which) {
  return connected(context, [&](CommandSession& session) {
    const MessageId id = find_own_status(session, which);
    v1::ClientFrame frame;
    frame.mutable_remove_status()->set_id(id.str());
    session.call(frame, v1::ServerFrame::kDone, Retry::yes);
    session.out().result("removed " + format_uuid(id), {{"type", "status_removed"}, {"id", format_uuid(id)}});
  });
}

ExitCode run_status_mute(Context& context, const std::string& name, bool lift) {
  return connected(context, [&](CommandSession& session) {
    const Contact author = session.find_user(name);
    v1::ClientFrame frame;
    frame.mutable_mute_status()->set_author(author.user.value);
    frame.mutable_mute_status()->set_lift(lift);
    session.call(frame, v1::ServerFrame::kDone, Retry::yes);
    session.out().result(
        "the statuses of " + sanitize(author.handle) + (lift ? " are shown again" : " are muted"),
        {{"type", lift ? "unmuted" : "muted"},
         {"handle", author.handle},
         {"user_id", std::to_string(author.user.value)}});
  });
}

}  // namespace godwit::cli
