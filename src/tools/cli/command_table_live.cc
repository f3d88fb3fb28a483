// Presence, statuses and calls. See command_table.h.
#include "tools/cli/command_table.h"

namespace godwit::cli {
namespace {

void add_status_author(CLI::App& command, Commands& c) {
  positional(command, "HANDLE", c.status.author);
}

void add_status_commands(CLI::App& app, Commands& c) {
  CLI::App& status =
      topic(app, "status",
            "Posts that contacts see for a day, encrypted under the shared passphrase. N is the "
            "number of one of\nthe author's, 1 for the newest, or its id");
  auto* command = c.add(status, "post", "Post one",
                        [&c](Context& context) { return run_status_post(context, c.status); });
  positionals(*command, "TEXT", c.status.words);
  command->add_option("--to", c.status.only, "Only for these contacts, as in bob,carol")->type_name("");
  command->add_option("--except", c.status.except, "For all contacts but these")->type_name("");

  command = c.add(status, "list", "List those that the account may see, those not seen yet first",
                  [&c](Context& context) { return run_status_list(context, c.with_muted); });
  command->add_flag("--muted", c.with_muted, "Those of muted authors, too");

  command = c.add(status, "show", "Open one, and tell the author that it was seen",
                  [&c](Context& context) { return run_status_show(context, c.status); });
  add_status_author(*command, c);
  command->add_option("N", c.status.which, "Number or id")->capture_default_str()->type_name("");

  c.add(status, "mine", "List the account's own, with how many have seen them", run_status_mine);
  command = c.add(status, "views", "Tell who has seen one of the account's own",
                  [&c](Context& context) { return run_status_views(context, c.status.which); });
  positional(*command, "N", c.status.which);
  command = c.add(status, "remove", "Remove one of the account's own",
                  [&c](Context& context) { return run_status_remove(context, c.status.which); });
  positional(*command, "N", c.status.which);

  command = c.add(status, "mute", "Do not be told of a user's",
                  [&c](Context& context) { return run_status_mute(context, c.status.author, false); });
  add_status_author(*command, c);
  command = c.add(status, "unmute", "Be told of a user's again",
                  [&c](Context& context) { return run_status_mute(context, c.status.author, true); });
  add_status_author(*command, c);

  command = c.add(status, "reply", "Answer one, by a message to its author", [&c](Context& context) {
    c.send.to = c.status.author;
    c.send.status = c.status.which;
    c.send.words = c.status.words;
    return run_send(context, c.send);
  });
  add_status_author(*command, c);
  positional(*command, "N", c.status.which);
  positionals(*command, "TEXT", c.status.words);
}

void add_call_commands(CLI::App& app, Commands& c) {
  auto* command = c.add(app, "call",
                        "Call a user, or join the call of a group and begin it when there is none. No sound: "
                        "the signaling alone.\nEnter or Ctrl-C hangs up",
                        [&c](Context& context) {
                          c.call.seconds = c.span.empty() ? 0 : seconds_of(c.span);
                          return run_call(context, c.call);
                        });
  positional(*command, "CHAT", c.call.with);
  command->add_flag("--video", c.call.video, "A video call");
  command->add_flag("--group", c.call.group, "CHAT is a group");
  command->add_option("--for", c.span, "Hang up this long after it was answered, like 10s")->type_name("");

  command = c.add(app, "calls", "Wait for calls: a answers, r rejects, b says busy, h hangs up, q leaves",
                  [&c](Context& context) { return run_calls(context, c.call); });
  command->add_flag("--answer", c.call.answer, "Answer every call");
  command->add_option("--count", c.call.count, "Leave after so many calls that were answered here");

  command = c.add(app, "ice-servers", "Ask for STUN and TURN servers, with credentials",
                  [&c](Context& context) { return run_ice_servers(context, c.value); });
  command->add_option("--region", c.value, "Servers of this region first")->type_name("");
}

}  // namespace

void add_live_commands(CLI::App& app, Commands& c) {
  auto* command = c.add(app, "presence",
                        "Tell who is there: of these users and members of groups, else of all "
                        "contacts",
                        [&c](Context& context) { return run_presence(context, c.names, c.watch); });
  positionals(*command, "CHAT", c.names, false);
  command->add_flag("--watch", c.watch, "Go on until interrupted");
  add_status_commands(app, c);
  add_call_commands(app, c);
}

}  // namespace godwit::cli
