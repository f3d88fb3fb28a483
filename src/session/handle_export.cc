// ExportAccount: all that the server holds of the account, part by part.
#include <memory>
#include <utility>
#include <vector>

#include "base/log.h"
#include "godwit.pb.h"
#include "session/account_export.h"
#include "session/session.h"

namespace godwit {

void Session::handle_export_account(Request& frame) {
  const v1::ExportAccount& asked = frame.export_account();
  const std::uint64_t id = frame.request_id();
  if (exporting_) {
    return answer_error(id, Error(Errc::too_many_requests_open, "one part of an archive at a time"));
  }
  ExportSource source;
  source.from.user = user_;
  source.now_ms = host_->clock.wall_ms();
  if (!asked.cursor().empty()) {
    const auto cursor = ExportCursor::decode(asked.cursor(), user_);
    if (!cursor) return answer_error(id, Error(Errc::invalid_argument, "`cursor` is none of this account"));
    source.from = *cursor;
  } else if (const std::int64_t wait = begin_export(); wait > 0) {
    return answer_error(id, Error(Errc::rate_limited, "an archive was begun a moment ago",
                                  static_cast<std::uint32_t>(wait)));
  }
  source.handle = account_->handle();
  source.created_ms = account_->created_ms();
  source.devices = account_->devices();
  for (const DeviceInfo& device : source.devices) {
    if (const auto cursor = inbox_->cursor(device.id)) source.cursors.emplace_back(device.id, *cursor);
  }
  source.privacy = account_->privacy();
  using Section = ExportCursor::Section;
  if (source.from.section <= Section::blocks) source.blocked = account_->blocked();
  if (source.from.section <= Section::contacts) {
    const bool begun = source.from.section == Section::contacts;
    source.contacts = account_->contacts().page(UserId(begun ? source.from.last : 0), kExportContacts);
  }
  exporting_ = true;
  auto begun = std::make_shared<ExportSource>(std::move(source));
  host_->shard().statuses().with_user(user_, [anchor = anchor_, id, begun](const StatusUser& user) {
    to_session(anchor, [id, begun, posts = user.posts(), muted = user.muted()](Session& session) mutable {
      std::erase_if(posts, [&](const StatusPost& post) { return !StatusUser::live(post, begun->now_ms); });
      begun->statuses = std::move(posts);
      begun->muted_authors = std::move(muted);
      session.host_->shard().keys().with_user(session.user_, [anchor = session.anchor_, id, begun](UserKeys& keys) {
        begun->keys = keys.devices();
        begun->unstored_keys = keys.unstored();
        to_session(anchor, [id, begun](Session& session) { session.make_export(id, std::move(*begun)); });
      });
    });
  });
}

void Session::make_export(std::uint64_t id, ExportSource source) {
  host_->readers.post([anchor = anchor_, host = host_, id, source = std::move(source)]() mutable {
    ExportPart part = make_export_part(host->store, host->router.map(), std::move(source));
    to_session(anchor, [id, part = std::move(part)](Session& session) mutable {
      session.exporting_ = false;
      session.host_->probe.export_parts.Increment();
      v1::ServerFrame& reply = session.begin(id);
      reply.mutable_export_part()->set_lines(std::move(part.lines));
      if (part.next) reply.mutable_export_part()->set_next(part.next->encode());
      session.answer(reply);
    });
  });
}

// Returns 0, or after how many milliseconds another archive may begin.
std::int64_t Session::begin_export() {
  const std::int64_t now = host_->clock.steady_ms();
  if (account_->export_began_ms) {
    const std::int64_t wait = *account_->export_began_ms + host_->options().export_interval_ms - now;
    if (wait > 0) return wait;
  }
  account_->export_began_ms = now;
  host_->probe.exports.Increment();
  log_info("audit", {{"what", "export_begun"}, {"user", user_}, {"device", device_}});
  return 0;
}

}  // namespace godwit
