// What the command line says to every command, and what all commands share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tools/cli/event_loop.h"
#include "tools/cli/output.h"
#include "tools/cli/profile.h"

namespace godwit::cli {

struct GlobalOptions {
  std::string
      home;  // directory of profiles; empty: $GODWIT_HOME, $XDG_CONFIG_HOME/godwit or ~/.config/godwit
  std::string profile = "default";
  std::string url;  // empty: the account's, $GODWIT_URL or kDefaultUrl
  std::string ca_file;
  bool insecure = false;
  std::string passphrase_file;
  bool json = false;
  bool json_wire = false;  // subprotocol godwit.v1.json
  int connect_timeout_s = 10;
  int timeout_s = 30;
};

struct Context {
  explicit Context(GlobalOptions o) : options(std::move(o)), out(options.json) {}

  const GlobalOptions options;
  EventLoop loop;
  Output out;
};

// Throws CommandError (usage) when the directory cannot be used.
std::unique_ptr<Profile> open_profile(const Context& context);
// The same, and the profile has an account.
std::unique_ptr<Profile> open_account(const Context& context);
// The same, but for making one: the profile has a key, and no account yet. A key that an interrupted attempt
// left is used again.
std::unique_ptr<Profile> open_new_account(const Context& context, const std::string& device_name);

}  // namespace godwit::cli
