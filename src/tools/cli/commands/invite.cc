// group invite, links, unlink, join, requests, approve, deny.
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "godwit/clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/format.h"
#include "tools/cli/group_view.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::size_t kLinkIdBytes = 8;

void show_link(CommandSession& session, const v1::InviteLink& link) {
  std::string line =
      hex(link.link_id()) + "  until " + format_time(link.expires_ms(), SystemClock().wall_ms());
  if (link.has_uses_left()) line += "  " + std::to_string(link.uses_left()) + " uses left";
  if (link.approve()) line += "  an admin lets in";
  line += "  by " + session.name_of(UserId(link.made_by()));
  nlohmann::ordered_json out = {{"type", "invite_link"},
                                {"link_id", hex(link.link_id())},
                                {"link", link.link()},
                                {"expires_ms", link.expires_ms()},
                                {"uses_left", nullptr},
                                {"approve", link.approve()},
                                {"made_by", std::to_string(link.made_by())}};
  if (link.has_uses_left()) out["uses_left"] = link.uses_left();
  session.out().result(link.link().empty() ? line : sanitize(link.link()) + "\n  " + line, out);
}

}  // namespace

ExitCode run_group_invite(Context& context, const InviteOptions& options) {
  return with_group(context, options.group, [&](CommandSession& session, const Conversation& group) {
    v1::ClientFrame frame;
    v1::MakeInviteLink& request = *frame.mutable_make_invite_link();
    request.set_chat(group.chat.group.str());
    request.set_expires_s(options.expires_s);
    request.set_max_uses(options.max_uses);
    request.set_approve(options.approve);
    // Made anew by each attempt, so it is not repeated by itself.
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kInviteLink, Retry::no);
    show_link(session, reply.invite_link());
  });
}

ExitCode run_group_links(Context& context, const std::string& name) {
  return with_group(context, name, [](CommandSession& session, const Conversation& group) {
    v1::ClientFrame frame;
    frame.mutable_list_invite_links()->set_chat(group.chat.group.str());
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kInviteLinks, Retry::yes);
    for (const v1::InviteLink& link : reply.invite_links().links()) show_link(session, link);
  });
}

ExitCode run_group_unlink(Context& context, const std::string& name, const std::string& link_id) {
  const auto id = parse_hex(link_id);
  if (!id || id->size() != kLinkIdBytes) {
    throw CommandError(ExitCode::usage, "usage", "not a link id (16 hex digits, as `group links` shows it)");
  }
  return with_group(context, name, [&](CommandSession& session, const Conversation& group) {
    v1::ClientFrame frame;
    frame.mutable_revoke_invite_link()->set_chat(group.chat.group.str());
    frame.mutable_revoke_invite_link()->set_link_id(*id);
    session.call(frame, v1::ServerFrame::kDone, Retry::yes);
    session.out().result("the link " + hex(*id) + " is useless now",
                         {{"type", "invite_link_revoked"}, {"link_id", hex(*id)}});
  });
}

ExitCode run_group_join(Context& context, const std::string& link) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  frame.mutable_join_group()->set_id(make_message_id(session.client().server_now_ms()).str());
  frame.mutable_join_group()->set_link(link);
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kGroupChanged, Retry::yes);
  const v1::GroupChanged& changed = reply.group_changed();
  if (changed.chat().size() != ChatId().bytes.size()) {
    throw CommandError(ExitCode::server, "unexpected_reply", "the server answered without the group's id");
  }
  const ChatRef chat{ChatId(ChatId::from(changed.chat()))};
  // Not a member yet: the group does not tell its name.
  if (changed.chat_seq() != 0) session.learn_groups();
  show_change(session, {chat, session.chat_name(chat)}, changed,
              changed.chat_seq() != 0 ? "joined" : "asked to join; an admin lets you in, or not");
  session.close();
  return ExitCode::ok;
}

ExitCode run_group_requests(Context& context, const std::string& name) {
  return with_group(context, name, [](CommandSession& session, const Conversation& group) {
    v1::ClientFrame frame;
    frame.mutable_list_join_requests()->set_chat(group.chat.group.str());
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kJoinRequests, Retry::yes);
    for (const std::uint64_t user : reply.join_requests().users()) {
      const std::string who = session.name_of(UserId(user));
      session.out().result(who, {{"type", "join_request"}, {"user", who}, {"user_id", std::to_string(user)}});
    }
  });
}

ExitCode run_group_answer(Context& context, const std::string& name, const std::string& user, bool accept) {
  return with_group(context, name, [&](CommandSession& session, const Conversation& group) {
    const Contact who = session.find_user(user);
    v1::ClientFrame frame;
    v1::AnswerJoin& request = *frame.mutable_answer_join();
    request.set_id(make_message_id(session.client().server_now_ms()).str());
    request.set_chat(group.chat.group.str());
    request.set_user_id(who.user.value);
    request.set_accept(accept);
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kGroupChanged, Retry::yes);
    show_change(session, group, reply.group_changed(),
                (accept ? "let in " : "did not let in ") + sanitize(who.handle));
  });
}

}  // namespace godwit::cli
