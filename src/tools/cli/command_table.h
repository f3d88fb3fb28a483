// The commands of the command line, gathered by topic: each adds its own to the parser.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/cli/commands.h"

namespace godwit::cli {

using Action = std::function<ExitCode(Context&)>;

// Where the options of the commands live while the command line is read, and the command that was chosen.
struct Commands {
  GlobalOptions global;
  RegisterOptions registration;
  SendOptions send;
  ReceiveOptions receive;
  HistoryOptions history;
  RawOptions raw;
  GroupOptions group;
  InviteOptions invite;
  StatusOptions status;
  CallOptions call;
  std::string handle;
  std::string value;
  std::vector<std::string> names;
  std::string device_name;
  std::uint32_t device = 0;
  std::uint64_t chat_seq = 0;
  std::string wait = "sent";
  std::string span;  // a time like 1d
  bool everyone = false;
  bool watch = false;
  bool with_muted = false;
  bool yes = false;
  Action action;

  CLI::App* add(CLI::App& app, const std::string& name, const std::string& about, Action what) {
    CLI::App* command = app.add_subcommand(name, about);
    command->fallthrough();
    command->callback([this, what = std::move(what)] { action = what; });
    return command;
  }
};

inline void positional(CLI::App& command, const char* name, std::string& value) {
  command.add_option(name, value)->required()->type_name("");
}
// One or more words; any number when not `required`.
inline void positionals(CLI::App& command, const char* name, std::vector<std::string>& values,
                        bool required = true) {
  command.add_option(name, values)->required(required)->type_name("");
}
// A command that only gathers others.
inline CLI::App& topic(CLI::App& app, const char* name, const char* about) {
  CLI::App* command = app.add_subcommand(name, about);
  command->fallthrough();
  command->require_subcommand(1);
  return *command;
}

// Seconds of a time like 30m or 1d. Throws CommandError.
std::uint32_t seconds_of(const std::string& span);

// command_table.cc
void add_account_commands(CLI::App& app, Commands& c);
void add_device_commands(CLI::App& app, Commands& c);
void add_privacy_commands(CLI::App& app, Commands& c);
void add_debug_commands(CLI::App& app, Commands& c);
// command_table_chats.cc
void add_message_commands(CLI::App& app, Commands& c);
void add_group_commands(CLI::App& app, Commands& c);
// command_table_live.cc
void add_live_commands(CLI::App& app, Commands& c);

}  // namespace godwit::cli
