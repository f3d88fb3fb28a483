#include "tools/cli/command_table.h"

#include <unistd.h>

#include "tools/cli/duration.h"

namespace godwit::cli {
namespace {

std::string default_device_name() {
  char name[65] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "godwit-cli";
}

void add_contact_commands(CLI::App& app, Commands& c) {
  CLI::App& contacts = topic(app, "contacts", "The account's contacts, which privacy settings refer to");
  c.add(contacts, "list", "List them", run_contacts_list);
  auto* command = c.add(contacts, "add", "Add users",
                        [&c](Context& context) { return run_contacts_change(context, c.names, true); });
  positionals(*command, "HANDLE", c.names);
  command = c.add(contacts, "remove", "Remove users",
                  [&c](Context& context) { return run_contacts_change(context, c.names, false); });
  positionals(*command, "HANDLE", c.names);
  command = c.add(contacts, "find", "Tell which of these handles are users, by hashes of them",
                  [&c](Context& context) { return run_contacts_find(context, c.names); });
  positionals(*command, "HANDLE", c.names);
}

}  // namespace

std::uint32_t seconds_of(const std::string& span) {
  const auto seconds = parse_duration(span);
  if (!seconds) throw CommandError(ExitCode::usage, "usage", "not a time like 30m or 1d: " + span);
  return *seconds;
}

void add_account_commands(CLI::App& app, Commands& c) {
  c.device_name = default_device_name();
  auto* command =
      c.add(app, "register", "Create an account; this becomes its first device", [&c](Context& context) {
        c.registration.device_name = c.device_name;
        return run_register(context, c.registration);
      });
  positional(*command, "HANDLE", c.registration.handle);
  command->add_option("--invite", c.registration.invite, "Invite code, where the server wants one");
  command->add_option("--code", c.registration.code, "Verification code, where the server wants one");
  command->add_option("--device-name", c.device_name, "Shown in the list of devices")->capture_default_str();

  command = c.add(app, "request-code", "Have a verification code sent to a handle",
                  [&c](Context& context) { return run_request_code(context, c.handle); });
  positional(*command, "HANDLE", c.handle);

  c.add(app, "whoami", "Show the account of this profile", run_whoami);

  command =
      c.add(app, "lookup", "Find a user", [&c](Context& context) { return run_lookup(context, c.handle); });
  positional(*command, "HANDLE", c.handle);

  command = c.add(app, "export", "Write all that the server holds of the account to a file, as lines of JSON",
                  [&c](Context& context) { return run_export(context, c.value); });
  positional(*command, "FILE", c.value);

  command = c.add(app, "delete-account", "Delete the account and the profile's files",
                  [&c](Context& context) { return run_delete_account(context, c.yes); });
  command->add_flag("--yes", c.yes, "I mean it");
}

void add_device_commands(CLI::App& app, Commands& c) {
  c.add(app, "devices", "List the devices of the account", run_devices);

  auto* command = c.add(app, "link", "Make this a further device of an account",
                        [&c](Context& context) { return run_link(context, c.device_name); });
  command->add_option("--device-name", c.device_name, "Shown in the list of devices")->capture_default_str();

  command = c.add(app, "approve", "Let in a device that shows a link payload",
                  [&c](Context& context) { return run_approve(context, c.value); });
  positional(*command, "PAYLOAD", c.value);

  command = c.add(app, "revoke", "Sign a device out for good",
                  [&c](Context& context) { return run_revoke(context, c.device); });
  command->add_option("DEVICE", c.device, "Number, as `devices` shows it")->required();

  CLI::App& device = topic(app, "device", "One device of the account");
  command = c.add(device, "rename", "Give a device another name",
                  [&c](Context& context) { return run_rename_device(context, c.device, c.value); });
  command->add_option("DEVICE", c.device, "Number, as `devices` shows it")->required();
  positional(*command, "NAME", c.value);
}

void add_privacy_commands(CLI::App& app, Commands& c) {
  auto* command = c.add(app, "block", "Let nothing more from a user through",
                        [&c](Context& context) { return run_block(context, c.handle, false); });
  positional(*command, "HANDLE", c.handle);
  command = c.add(app, "unblock", "Let messages from a user through again",
                  [&c](Context& context) { return run_block(context, c.handle, true); });
  positional(*command, "HANDLE", c.handle);
  c.add(app, "blocks", "List whom the account blocks", run_blocks);

  CLI::App& request = topic(app, "request", "Messages of strangers that wait for consent");
  command = c.add(request, "accept", "Let the stranger's messages through",
                  [&c](Context& context) { return run_request(context, c.handle, true); });
  positional(*command, "HANDLE", c.handle);
  command = c.add(request, "refuse", "Drop them, and let no more come",
                  [&c](Context& context) { return run_request(context, c.handle, false); });
  positional(*command, "HANDLE", c.handle);

  CLI::App& privacy = topic(app, "privacy", "Who sees what, and who may do what");
  c.add(privacy, "show", "Show the settings", [](Context& context) { return run_privacy(context, {}); });
  command = c.add(
      privacy, "set",
      "Change settings. last_seen, online, profile, status and may_add_me: everyone, contacts or nobody,\n"
      "with exceptions as in everyone,-bob; hide_read_receipts and ask_first: yes or no",
      [&c](Context& context) { return run_privacy(context, c.names); });
  positionals(*command, "KEY=VALUE", c.names);
  add_contact_commands(app, c);
}

void add_debug_commands(CLI::App& app, Commands& c) {
  c.add(app, "ping", "Measure a round trip; needs no account", run_ping);

  auto* command = c.add(app, "raw", "ClientFrames as lines of JSON in, ServerFrames out",
                        [&c](Context& context) { return run_raw(context, c.raw); });
  command->add_flag("!--no-hello", c.raw.hello, "Do not authenticate");
  command->add_option("--linger", c.raw.linger_s, "Seconds to go on after the end of input")
      ->capture_default_str()
      ->check(CLI::Range(0, 86400));
}

}  // namespace godwit::cli
