// Messages, chats and groups. See command_table.h.
#include "tools/cli/command_table.h"

namespace godwit::cli {
namespace {

void add_member_command(CLI::App& group, Commands& c, const char* name, const char* about,
                        MemberChange what) {
  auto* command = c.add(group, name, about,
                        [&c, what](Context& context) { return run_group_members(context, c.group, what); });
  positional(*command, "GROUP", c.group.name);
  positionals(*command, "HANDLE", c.group.users);
}

void add_invite_commands(CLI::App& group, Commands& c) {
  auto* command = c.add(group, "invite", "Make a link by which others join", [&c](Context& context) {
    c.invite.expires_s = c.span.empty() ? 0 : seconds_of(c.span);
    return run_group_invite(context, c.invite);
  });
  positional(*command, "GROUP", c.invite.group);
  command->add_option("--expires", c.span, "After this time, like 1d; else as the server likes")
      ->type_name("");
  command->add_option("--uses", c.invite.max_uses, "How often it may be used; else without end");
  command->add_flag("--approve", c.invite.approve, "Who comes by it waits for an admin");

  command = c.add(group, "links", "List the links that can be used",
                  [&c](Context& context) { return run_group_links(context, c.handle); });
  positional(*command, "GROUP", c.handle);
  command = c.add(group, "unlink", "Make a link useless",
                  [&c](Context& context) { return run_group_unlink(context, c.handle, c.value); });
  positional(*command, "GROUP", c.handle);
  positional(*command, "LINK_ID", c.value);
  command = c.add(group, "join", "Join by a link",
                  [&c](Context& context) { return run_group_join(context, c.value); });
  positional(*command, "LINK", c.value);

  command = c.add(group, "requests", "List who asks to join",
                  [&c](Context& context) { return run_group_requests(context, c.handle); });
  positional(*command, "GROUP", c.handle);
  command = c.add(group, "approve", "Let in somebody who asks to join",
                  [&c](Context& context) { return run_group_answer(context, c.handle, c.value, true); });
  positional(*command, "GROUP", c.handle);
  positional(*command, "HANDLE", c.value);
  command = c.add(group, "deny", "Do not let in somebody who asks to join",
                  [&c](Context& context) { return run_group_answer(context, c.handle, c.value, false); });
  positional(*command, "GROUP", c.handle);
  positional(*command, "HANDLE", c.value);
}

}  // namespace

void add_message_commands(CLI::App& app, Commands& c) {
  auto* command = c.add(app, "send", "Send a message", [&c](Context& context) {
    c.send.wait = c.wait == "read"        ? WaitFor::read
                  : c.wait == "delivered" ? WaitFor::delivered
                                          : WaitFor::sent;
    c.send.ttl_s = c.span.empty() ? 0 : seconds_of(c.span);
    return run_send(context, c.send);
  });
  positional(*command, "CHAT", c.send.to);
  command->add_option("TEXT", c.send.words, "The message; words are joined by spaces")->type_name("");
  command->add_flag("--lines", c.send.lines, "Each line of the standard input is a message");
  command->add_option("--wait", c.wait, "Return when it is sent, delivered or read")
      ->check(CLI::IsMember({"sent", "delivered", "read"}))
      ->type_name("");
  command->add_option("--ttl", c.span, "Remove the message after this time, like 30m or 1d")->type_name("");
  command->add_option("--id", c.send.id, "Version 7 UUID: the same again sends nothing twice");
  command->add_option("--timeout", c.global.timeout_s, "Seconds to wait")->check(CLI::Range(1, 86400));

  command = c.add(app, "receive", "Show the messages that have come",
                  [&c](Context& context) { return run_receive(context, c.receive); });
  command->add_option("--count", c.receive.count, "Wait until there were this many");
  command->add_option("--timeout", c.receive.timeout_s, "Seconds to wait for --count, or for one message")
      ->check(CLI::Range(1, 86400));
  command->add_flag("--follow", c.receive.follow, "Go on until interrupted");
  command->add_flag("--read", c.receive.mark_read, "Tell the senders that the messages were read");

  command = c.add(app, "chat", "Talk to a user or a group",
                  [&c](Context& context) { return run_chat(context, c.handle); });
  positional(*command, "CHAT", c.handle);

  c.add(app, "chats", "List the chats, with what is unread",
        [](Context& context) { return run_chats(context, false); });

  command = c.add(app, "history", "Show the messages of a chat",
                  [&c](Context& context) { return run_history(context, c.history); });
  positional(*command, "CHAT", c.history.with);
  command->add_option("--before", c.history.before, "Only messages before this position");
  command->add_option("--limit", c.history.limit, "At most this many")
      ->capture_default_str()
      ->check(CLI::Range(1, 200));
  command->add_flag("--local", c.history.local, "From this device's store, without connecting");

  command = c.add(app, "receipts", "Show how far a chat was delivered and read; in a group, by each member",
                  [&c](Context& context) { return run_receipts(context, c.handle, c.chat_seq); });
  positional(*command, "CHAT", c.handle);
  command->add_option("SEQ", c.chat_seq, "Position of a group's message; else the last")->type_name("");

  command = c.add(app, "delete", "Remove a message from one's own history, or for everyone",
                  [&c](Context& context) { return run_delete(context, c.handle, c.chat_seq, c.everyone); });
  positional(*command, "CHAT", c.handle);
  command->add_option("SEQ", c.chat_seq, "Its position, as `history --json` tells it")
      ->required()
      ->type_name("");
  command->add_flag("--everyone", c.everyone, "Its content goes for everyone; the sender and admins may");

  command = c.add(app, "timer", "Let messages disappear some time after they were sent",
                  [&c](Context& context) { return run_timer(context, c.handle, c.value); });
  positional(*command, "CHAT", c.handle);
  command->add_option("TIME", c.value, "Like 30m, 12h, 1d, 2w; off: they stay")->required()->type_name("");

  command = c.add(app, "trace", "Tell what became of a message, step by step",
                  [&c](Context& context) { return run_trace(context, c.handle, c.value); });
  positional(*command, "CHAT", c.handle);
  command->add_option("ID", c.value, "Of the message, as `send` tells it")->required()->type_name("");
}

void add_group_commands(CLI::App& app, Commands& c) {
  CLI::App& group = topic(app, "group", "Groups: make them, change them, join them");
  auto* command = c.add(group, "create", "Make a group, of which this account is the owner",
                        [&c](Context& context) { return run_group_create(context, c.group); });
  positional(*command, "NAME", c.group.name);
  positionals(*command, "HANDLE", c.group.users, false);
  command->add_option("--set", c.group.words, "Settings, as for `group set`")->type_name("");

  c.add(group, "list", "List the groups, with what is unread",
        [](Context& context) { return run_chats(context, true); });
  command = c.add(group, "info", "Show a group and its members",
                  [&c](Context& context) { return run_group_info(context, c.group.name); });
  positional(*command, "GROUP", c.group.name);

  add_member_command(group, c, "add", "Add members", MemberChange::add);
  add_member_command(group, c, "remove", "Remove members", MemberChange::remove);
  add_member_command(group, c, "ban", "Remove members, who may not come back", MemberChange::ban);
  add_member_command(group, c, "unban", "Let users come back", MemberChange::unban);

  command =
      c.add(group, "role", "Make a member an admin, the owner, or a plain member", [&c](Context& context) {
        c.group.users = {c.handle};
        return run_group_role(context, c.group);
      });
  positional(*command, "GROUP", c.group.name);
  positional(*command, "HANDLE", c.handle);
  positional(*command, "ROLE", c.group.value);

  command = c.add(group, "rename", "Give a group another name",
                  [&c](Context& context) { return run_group_rename(context, c.group); });
  positional(*command, "GROUP", c.group.name);
  positional(*command, "NAME", c.group.value);

  command =
      c.add(group, "set",
            "Change settings: may_post, may_add and may_rename (member, admin, owner), ttl (like 1d, or off)",
            [&c](Context& context) { return run_group_set(context, c.group); });
  positional(*command, "GROUP", c.group.name);
  positionals(*command, "KEY=VALUE", c.group.words);

  command = c.add(group, "leave", "Leave a group",
                  [&c](Context& context) { return run_group_leave(context, c.group.name); });
  positional(*command, "GROUP", c.group.name);
  add_invite_commands(group, c);
}

}  // namespace godwit::cli
