#include "tools/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/cli/command_table.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr const char* kAbout =
    "Terminal client of Godwit. Payloads are encrypted under a passphrase shared out of band, until real "
    "end-to-end\n"
    "encryption comes: give it by --passphrase-file, in GODWIT_PASSPHRASE, or when asked.";
constexpr const char* kFooter =
    "HANDLE is a user name, a number like +4915112345678, or id:<user id>. GROUP is a group's name, as this "
    "device\n"
    "knows it, or its id. CHAT is a HANDLE or a GROUP; a name that both have is the user's, and group:<name> "
    "is "
    "the\n"
    "group. `godwit-cli group --help` lists the commands for groups.\n"
    "Exit codes: 0 done; 1 wrong usage or a local file; 2 the server said no (the error's name is on "
    "stderr);\n"
    "3 no connection; 4 not in time; 130 interrupted.";

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
  add_group_commands(app, commands);
  add_live_commands(app, commands);
  add_privacy_commands(app, commands);
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
