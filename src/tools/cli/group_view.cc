#include "tools/cli/group_view.h"

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "tools/cli/group_text.h"
#include "tools/cli/message_view.h"

namespace godwit::cli {
namespace {

constexpr std::uint32_t kPage = 1000;

void show_head(CommandSession& session, const Conversation& group, const v1::Group& info) {
  nlohmann::ordered_json out = {{"type", "group"}, {"name", group.name}};
  add_chat(out, group.chat);
  const v1::GroupSettings& settings = info.settings();
  out["members"] = info.member_count();
  out["version"] = info.version();
  out["epoch"] = info.epoch();
  out["chat_end"] = info.chat_end();
  out["may_post"] = role_name(settings.may_post());
  out["may_add"] = role_name(settings.may_add());
  out["may_rename"] = role_name(settings.may_rename());
  out["ttl_s"] = settings.ttl_s();
  session.out().result(group.name + "  " + hex(group.chat.group.view()) + "\n  " +
                           std::to_string(info.member_count()) + " members, last message #" +
                           std::to_string(info.chat_end()) + ", version " + std::to_string(info.version()) +
                           "\n  " + settings_text(settings),
                       out);
  for (const std::uint64_t user : info.banned()) {
    const std::string name = session.name_of(UserId(user));
    session.out().result("  banned: " + name,
                         {{"type", "banned"}, {"user", name}, {"user_id", std::to_string(user)}});
  }
}

void show_member(CommandSession& session, const v1::Member& member) {
  const std::string name = session.name_of(UserId(member.user_id()));
  const std::string role(role_name(member.role()));
  session.out().result("  " + name + "  " + role + "  since #" + std::to_string(member.joined_seq()),
                       {{"type", "member"},
                        {"user", name},
                        {"user_id", std::to_string(member.user_id())},
                        {"role", role},
                        {"joined_seq", member.joined_seq()}});
}

}  // namespace

ExitCode with_group(Context& context, const std::string& name,
                    const std::function<void(CommandSession&, const Conversation&)>& what) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  what(session, session.find_group(name));
  session.close();
  return ExitCode::ok;
}

void show_group(CommandSession& session, const Conversation& group) {
  v1::ClientFrame frame;
  frame.mutable_get_group()->set_chat(group.chat.group.str());
  frame.mutable_get_group()->set_limit(kPage);
  for (bool first = true;; first = false) {
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kGroup, Retry::yes);
    const v1::Group& page = reply.group();
    if (first) {
      session.profile().remember_group(group.chat.group, page.name(), page.version());
      show_head(session, {group.chat, session.chat_name(group.chat)}, page);
    }
    for (const v1::Member& member : page.members()) show_member(session, member);
    if (!page.more() || page.members().empty()) return;
    frame.mutable_get_group()->set_after(page.members(page.members_size() - 1).user_id());
  }
}

void show_change(CommandSession& session, const Conversation& group, const v1::GroupChanged& changed,
                 const std::string& done) {
  nlohmann::ordered_json out = {{"type", "group_changed"}, {"name", group.name}};
  add_chat(out, group.chat);
  out["chat_seq"] = changed.chat_seq();
  out["version"] = changed.version();
  out["not_added"] = nlohmann::ordered_json::array();
  std::string refused;
  for (const std::uint64_t user : changed.not_added()) {
    refused += (refused.empty() ? "" : ", ") + session.name_of(UserId(user));
    out["not_added"].push_back(std::to_string(user));
  }
  session.out().result(group.name + ": " + done, out);
  if (!refused.empty())
    session.out().note("not added, since they are unknown or do not want to be: " + refused);
}

void change_group(CommandSession& session, const Conversation& group, v1::ChangeGroup change,
                  const std::string& done) {
  v1::ClientFrame frame;
  change.set_id(make_message_id(session.client().server_now_ms()).str());
  change.set_chat(group.chat.group.str());
  *frame.mutable_change_group() = std::move(change);
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kGroupChanged, Retry::yes);
  show_change(session, group, reply.group_changed(), done);
}

void remove_message(CommandSession& session, const Conversation& with, std::uint64_t chat_seq,
                    bool everyone) {
  v1::ClientFrame frame;
  v1::RemoveMessage& request = *frame.mutable_remove_message();
  set_chat(request, with.chat);
  request.set_chat_seq(chat_seq);
  request.set_for_everyone(everyone);
  if (everyone) request.set_id(make_message_id(session.client().server_now_ms()).str());
  session.call(frame, v1::ServerFrame::kDone, Retry::yes);
  session.out().result(
      "removed #" + std::to_string(chat_seq) + (everyone ? " for everyone" : " for this account"),
      {{"type", "removed"}, {"chat_seq", chat_seq}, {"everyone", everyone}});
}

}  // namespace godwit::cli
