// What godwit-cli can do: one options struct and one function a command. Each throws CommandError, and
// returns the exit code otherwise. Files in commands/ by group.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/cli/context.h"
#include "tools/cli/failure.h"

namespace godwit::cli {

struct RegisterOptions {
  std::string handle;
  std::string invite;
  std::string code;
  std::string device_name;
};
ExitCode run_register(Context& context, const RegisterOptions& options);
ExitCode run_request_code(Context& context, const std::string& handle);
ExitCode run_whoami(Context& context);
ExitCode run_lookup(Context& context, const std::string& name);
ExitCode run_delete_account(Context& context, bool yes);

enum class WaitFor { sent, delivered, read };
struct SendOptions {
  std::string to;
  std::vector<std::string> words;
  bool lines = false;  // each line of stdin is a message
  WaitFor wait = WaitFor::sent;
  std::uint32_t ttl_s = 0;  // seconds after which the message is removed; 0: as the chat has it
  std::string id;
  std::string status;  // number or id of a status of `to` that this answers
};
ExitCode run_send(Context& context, const SendOptions& options);

struct ReceiveOptions {
  std::uint64_t count = 0;  // 0: as many as there are
  int timeout_s = 0;        // how long to wait for `count`, or for one when that is 0
  bool follow = false;
  bool mark_read = false;
};
ExitCode run_receive(Context& context, const ReceiveOptions& options);

ExitCode run_chat(Context& context, const std::string& name);

struct HistoryOptions {
  std::string with;
  std::uint64_t before = 0;
  std::uint32_t limit = 50;
  bool local = false;
};
ExitCode run_history(Context& context, const HistoryOptions& options);
// `chat_seq`: of a group's message; 0 is its last.
ExitCode run_receipts(Context& context, const std::string& name, std::uint64_t chat_seq);
ExitCode run_chats(Context& context, bool groups_only);
ExitCode run_delete(Context& context, const std::string& name, std::uint64_t chat_seq, bool everyone);
ExitCode run_timer(Context& context, const std::string& name, const std::string& time);
ExitCode run_trace(Context& context, const std::string& name, const std::string& id);

struct GroupOptions {
  std::string name;                // of the group, or its id
  std::string value;               // a new name, or a role
  std::vector<std::string> users;  // handles
  std::vector<std::string> words;  // settings: KEY=VALUE
};
enum class MemberChange { add, remove, ban, unban };
ExitCode run_group_create(Context& context, const GroupOptions& options);
ExitCode run_group_info(Context& context, const std::string& name);
ExitCode run_group_members(Context& context, const GroupOptions& options, MemberChange what);
ExitCode run_group_role(Context& context, const GroupOptions& options);
ExitCode run_group_rename(Context& context, const GroupOptions& options);
ExitCode run_group_set(Context& context, const GroupOptions& options);
ExitCode run_group_leave(Context& context, const std::string& name);

struct InviteOptions {
  std::string group;
  std::uint32_t expires_s = 0;  // 0: as the server likes
  std::uint32_t max_uses = 0;   // 0: without end
  bool approve = false;         // who comes by it waits for an admin
};
ExitCode run_group_invite(Context& context, const InviteOptions& options);
ExitCode run_group_links(Context& context, const std::string& name);
ExitCode run_group_unlink(Context& context, const std::string& name, const std::string& link_id);
ExitCode run_group_join(Context& context, const std::string& link);
ExitCode run_group_requests(Context& context, const std::string& name);
ExitCode run_group_answer(Context& context, const std::string& name, const std::string& user, bool accept);

// Shows the settings, after changing those that are given as KEY=VALUE.
ExitCode run_privacy(Context& context, const std::vector<std::string>& changes);
ExitCode run_contacts_list(Context& context);
ExitCode run_contacts_change(Context& context, const std::vector<std::string>& names, bool add);
ExitCode run_contacts_find(Context& context, const std::vector<std::string>& handles);
ExitCode run_export(Context& context, const std::string& file);

// Users, or groups whose members are meant; all contacts when there are none.
ExitCode run_presence(Context& context, const std::vector<std::string>& names, bool watch);

struct StatusOptions {
  std::string author;
  std::string which = "1";  // number among the author's, 1 for the newest, or id
  std::string only;         // handles, with commas between them
  std::string except;
  std::vector<std::string> words;
};
ExitCode run_status_post(Context& context, const StatusOptions& options);
ExitCode run_status_list(Context& context, bool with_muted);
ExitCode run_status_show(Context& context, const StatusOptions& options);
ExitCode run_status_mine(Context& context);
ExitCode run_status_views(Context& context, const std::string& which);
ExitCode run_status_remove(Context& context, const std::string& which);
ExitCode run_status_mute(Context& context, const std::string& name, bool lift);

struct CallOptions {
  std::string with;
  bool group = false;  // `with` is one
  bool video = false;
  std::uint32_t seconds = 0;  // after which an answered call is ended; 0: when somebody hangs up
  bool answer = false;        // whoever calls
  std::uint64_t count = 0;    // of calls to wait for; 0: without end
};
ExitCode run_call(Context& context, const CallOptions& options);
ExitCode run_calls(Context& context, const CallOptions& options);
ExitCode run_ice_servers(Context& context, const std::string& region);

ExitCode run_devices(Context& context);
ExitCode run_link(Context& context, const std::string& device_name);
ExitCode run_approve(Context& context, const std::string& payload);
ExitCode run_revoke(Context& context, std::uint32_t device);
ExitCode run_rename_device(Context& context, std::uint32_t device, const std::string& name);

ExitCode run_block(Context& context, const std::string& name, bool lift);
ExitCode run_blocks(Context& context);
ExitCode run_request(Context& context, const std::string& name, bool accept);

ExitCode run_ping(Context& context);

struct RawOptions {
  bool hello = true;
  int linger_s = 2;  // after the end of stdin, for what is still to come
};
ExitCode run_raw(Context& context, const RawOptions& options);

}  // namespace godwit::cli
