#include "tools/cli/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/cli/commands.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr const char* kAbout =
    "Terminal client of Godwit. Payloads are encrypted under a passphrase shared out of band, until real "
    "end-to-end\n"
    "encryption comes: give it by --passphrase-file, in GODWIT_PASSPHRASE, or when asked.";
constexpr const char* kFooter =
    "HANDLE is a user name, a number like +4915112345678, or id:<user id>.\n"
    "Exit codes: 0 done; 1 wrong usage or a local file; 2 the server said no (the error's name is on "
    "stderr);\n"
    "3 no connection; 4 not in time; 130 interrupted.";

using Action = std::function<ExitCode(Context&)>;

std::string default_device_name() {
  char name[65] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "godwit-cli";
}

// Where the options of the commands live while the command line is read, and the command that was chosen.
struct Commands {
  GlobalOptions global;
  RegisterOptions registration;
  SendOptions send;
  ReceiveOptions receive;
  HistoryOptions history;
  RawOptions raw;
  std::string handle;
  std::string payload;
  std::string device_name = default_device_name();
  std::uint32_t device = 0;
  std::string wait = "sent";
  bool yes = false;
  Action action;

  CLI::App* add(CLI::App& app, const std::string& name, const std::string& about, Action what) {
    CLI::App* command = app.add_subcommand(name, about);
    command->fallthrough();
    command->callback([this, what = std::move(what)] { action = what; });
    return command;
  }
};

void add_global_options(CLI::App& app, GlobalOptions& o) {
  app.add_option("--profile", o.profile, "Name of the profile: one device of one account")
      ->capture_default_str();
  app.add_option("--home", o.home, "Directory of profiles [$GODWIT_HOME, ~/.config/godwit]");
  app.add_option("--url", o.url, "Server [the account's, $GODWIT_URL, ws://127.0.0.1:8080/v1/ws]");
  app.add_option("--ca-file", o.ca_file, "PEM file with the certificates to trust, for wss://");
  app.add_flag("--insecure", o.insecure, "Accept any certificate; on loopback only");
  app.add_option("--passphrase-file", o.passphrase_file,
                 "File with the passphrase shared with the other side");
  app.add_flag("--json", o.json, "Results as lines of JSON");
  app.add_flag("--wire-json", o.json_wire, "Speak the subprotocol godwit.v1.json");
  app.add_option("--connect-timeout", o.connect_timeout_s, "Seconds to keep trying to connect")
      ->capture_default_str()
      ->check(CLI::Range(0, 86400));
  app.add_option("--wait-timeout", o.timeout_s, "Seconds to wait for what a command waits for")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400));
}

void positional(CLI::App& command, const char* name, std::string& value) {
  command.add_option(name, value)->required()->type_name("");
}

void add_account_commands(CLI::App& app, Commands& c) {
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

  command = c.add(app, "delete-account", "Delete the account and the profile's files",
                  [&c](Context& context) { return run_delete_account(context, c.yes); });
  command->add_flag("--yes", c.yes, "I mean it");
}

void add_message_commands(CLI::App& app, Commands& c) {
  auto* command = c.add(app, "send", "Send a message", [&c](Context& context) {
    c.send.wait = c.wait == "read"        ? WaitFor::read
                  : c.wait == "delivered" ? WaitFor::delivered
                                          : WaitFor::sent;
    return run_send(context, c.send);
  });
  positional(*command, "HANDLE", c.send.to);
  command->add_option("TEXT", c.send.words, "The message; words are joined by spaces")->type_name("");
  command->add_flag("--lines", c.send.lines, "Each line of the standard input is a message");
  command->add_option("--wait", c.wait, "Return when it is sent, delivered or read")
      ->check(CLI::IsMember({"sent", "delivered", "read"}))
      ->type_name("");
  command->add_option("--id", c.send.id, "Version 7 UUID: the same again sends nothing twice");
  command->add_option("--timeout", c.global.timeout_s, "Seconds to wait")->check(CLI::Range(1, 86400));

  command = c.add(app, "receive", "Show the messages that have come",
                  [&c](Context& context) { return run_receive(context, c.receive); });
  command->add_option("--count", c.receive.count, "Wait until there were this many");
  command->add_option("--timeout", c.receive.timeout_s, "Seconds to wait for --count, or for one message")
      ->check(CLI::Range(1, 86400));
  command->add_flag("--follow", c.receive.follow, "Go on until interrupted");
  command->add_flag("--read", c.receive.mark_read, "Tell the senders that the messages were read");

  command =
      c.add(app, "chat", "Talk to a user", [&c](Context& context) { return run_chat(context, c.handle); });
  positional(*command, "HANDLE", c.handle);

  command = c.add(app, "history", "Show the messages of a chat",
                  [&c](Context& context) { return run_history(context, c.history); });
  positional(*command, "HANDLE", c.history.with);
  command->add_option("--before", c.history.before, "Only messages before this position");
  command->add_option("--limit", c.history.limit, "At most this many")
      ->capture_default_str()
      ->check(CLI::Range(1, 200));
  command->add_flag("--local", c.history.local, "From this device's store, without connecting");

  command = c.add(app, "receipts", "Show how far a chat was delivered and read",
                  [&c](Context& context) { return run_receipts(context, c.handle); });
  positional(*command, "HANDLE", c.handle);

  command = c.add(app, "block", "Let nothing more from a user through",
                  [&c](Context& context) { return run_block(context, c.handle, false); });
  positional(*command, "HANDLE", c.handle);
  command = c.add(app, "unblock", "Let messages from a user through again",
                  [&c](Context& context) { return run_block(context, c.handle, true); });
  positional(*command, "HANDLE", c.handle);
}

void add_device_commands(CLI::App& app, Commands& c) {
  c.add(app, "devices", "List the devices of the account", run_devices);

  auto* command = c.add(app, "link", "Make this a further device of an account",
                        [&c](Context& context) { return run_link(context, c.device_name); });
  command->add_option("--device-name", c.device_name, "Shown in the list of devices")->capture_default_str();

  command = c.add(app, "approve", "Let in a device that shows a link payload",
                  [&c](Context& context) { return run_approve(context, c.payload); });
  positional(*command, "PAYLOAD", c.payload);

  command = c.add(app, "revoke", "Sign a device out for good",
                  [&c](Context& context) { return run_revoke(context, c.device); });
  command->add_option("DEVICE", c.device, "Number, as `devices` shows it")->required();
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

void tell(const Failure& failure, bool json) {
  const std::string text = sanitize(failure.text);
  const std::string name = sanitize(failure.name);
  if (json) {
    const nlohmann::ordered_json out = {{"type", "error"},
                                        {"name", name},
                                        {"text", text},
                                        {"exit", static_cast<int>(failure.exit)},
                                        {"retry_after_ms", failure.retry_after_ms}};
    std::fprintf(stderr, "%s\n", out.dump(-1, ' ', true).c_str());
  } else {
    std::fprintf(stderr, "godwit-cli: %s: %s\n", name.c_str(), text.c_str());
  }
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app(kAbout, "godwit-cli");
  app.footer(kFooter);
  app.set_version_flag("--version", GODWIT_VERSION);
  app.require_subcommand(1);
  Commands commands;
  add_global_options(app, commands.global);
  add_account_commands(app, commands);
  add_message_commands(app, commands);
  add_device_commands(app, commands);
  add_debug_commands(app, commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  try {
    Context context(commands.global);
    return static_cast<int>(commands.action(context));
  } catch (const CommandError& e) {
    tell(e.failure, commands.global.json);
    return static_cast<int>(e.failure.exit);
  } catch (const std::exception& e) {
    // A full disk, a certificate file that is none, no memory for the key: local, and told as it is.
    tell({ExitCode::usage, "local", e.what()}, commands.global.json);
    return static_cast<int>(ExitCode::usage);
  }
}

}  // namespace godwit::cli
