// group create, list, info, rename, set, leave, add, remove, ban, unban, role.
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "tools/cli/commands.h"
#include "tools/cli/group_text.h"
#include "tools/cli/group_view.h"
#include "tools/cli/message_view.h"

namespace godwit::cli {
namespace {

// What one request adds.
constexpr std::size_t kBatch = 1000;

std::string names_of(const std::vector<Contact>& users, CommandSession& session) {
  std::string text;
  for (const Contact& user : users) text += (text.empty() ? "" : ", ") + session.name_of(user.user);
  return text;
}

// Settings are changed as a whole, so what stays must be known.
v1::Group ask(CommandSession& session, const Conversation& group) {
  v1::ClientFrame frame;
  frame.mutable_get_group()->set_chat(group.chat.group.str());
  frame.mutable_get_group()->set_limit(1);
  return session.call(frame, v1::ServerFrame::kGroup, Retry::yes).group();
}

void require_settings(const std::vector<std::string>& words, v1::GroupSettings& settings) {
  if (const auto wrong = apply_settings(words, settings))
    throw CommandError(ExitCode::usage, "usage", *wrong);
}

}  // namespace

ExitCode run_group_create(Context& context, const GroupOptions& options) {
  v1::GroupSettings settings;
  require_settings(options.words, settings);
  if (options.users.size() > kBatch) {
    throw CommandError(ExitCode::usage, "too_large", "at most 1000 at once; add the others afterwards");
  }
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  v1::CreateGroup& request = *frame.mutable_create_group();
  request.set_id(make_message_id(session.client().server_now_ms()).str());
  request.set_name(session.seal_group_name(options.name));
  for (const Contact& user : session.find_users(options.users)) request.add_members(user.user.value);
  if (!options.words.empty()) *request.mutable_settings() = settings;
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kGroupChanged, Retry::yes);
  const v1::GroupChanged& changed = reply.group_changed();
  if (changed.chat().size() != ChatId().bytes.size()) {
    throw CommandError(ExitCode::server, "unexpected_reply", "the server answered without the group's id");
  }
  const ChatId group = ChatId::from(changed.chat());
  profile->remember_group(group, request.name(), changed.version());
  profile->save_state();
  show_change(session, {ChatRef(group), session.chat_name(ChatRef(group))}, changed,
              "created as " + format_chat(ChatRef(group)));
  session.close();
  return ExitCode::ok;
}

ExitCode run_group_info(Context& context, const std::string& name) {
  return with_group(context, name, show_group);
}

ExitCode run_group_members(Context& context, const GroupOptions& options, MemberChange what) {
  return with_group(context, options.name, [&](CommandSession& session, const Conversation& group) {
    const std::vector<Contact> users = session.find_users(options.users);
    v1::ChangeGroup change;
    std::string done;
    for (const Contact& user : users) {
      switch (what) {
        case MemberChange::add:
          change.add_add(user.user.value);
          done = "added ";
          break;
        case MemberChange::remove:
          change.add_remove(user.user.value);
          done = "removed ";
          break;
        case MemberChange::ban:
          change.add_ban(user.user.value);
          done = "banned ";
          break;
        case MemberChange::unban:
          change.add_unban(user.user.value);
          done = "lifted the ban of ";
          break;
      }
    }
    change_group(session, group, std::move(change), done + names_of(users, session));
  });
}

ExitCode run_group_role(Context& context, const GroupOptions& options) {
  const auto role = parse_role(options.value);
  if (!role)
    throw CommandError(ExitCode::usage, "usage", "not a role (member, admin, owner): " + options.value);
  return with_group(context, options.name, [&](CommandSession& session, const Conversation& group) {
    const std::vector<Contact> users = session.find_users(options.users);
    v1::ChangeGroup change;
    for (const Contact& user : users) {
      v1::Member& member = *change.add_roles();
      member.set_user_id(user.user.value);
      member.set_role(*role);
    }
    change_group(session, group, std::move(change), names_of(users, session) + " now: " + options.value);
  });
}

ExitCode run_group_rename(Context& context, const GroupOptions& options) {
  return with_group(context, options.name, [&](CommandSession& session, const Conversation& group) {
    v1::ChangeGroup change;
    change.set_name(session.seal_group_name(options.value));
    change_group(session, group, std::move(change), "renamed");
    session.learn_groups();
    session.profile().save_state();
  });
}

ExitCode run_group_set(Context& context, const GroupOptions& options) {
  v1::GroupSettings scratch;
  require_settings(options.words, scratch);
  return with_group(context, options.name, [&](CommandSession& session, const Conversation& group) {
    const v1::Group now = ask(session, group);
    v1::ChangeGroup change;
    *change.mutable_settings() = now.settings();
    require_settings(options.words, *change.mutable_settings());
    // Somebody else's change in between must not be undone.
    change.set_if_version(now.version());
    const std::string done = settings_text(change.settings());
    change_group(session, group, std::move(change), done);
  });
}

ExitCode run_group_leave(Context& context, const std::string& name) {
  return with_group(context, name, [](CommandSession& session, const Conversation& group) {
    v1::ChangeGroup change;
    change.add_remove(session.self().value);
    change_group(session, group, std::move(change), "left");
  });
}

}  // namespace godwit::cli
