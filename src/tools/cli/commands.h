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
  std::string id;
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
ExitCode run_receipts(Context& context, const std::string& name);

ExitCode run_devices(Context& context);
ExitCode run_link(Context& context, const std::string& device_name);
ExitCode run_approve(Context& context, const std::string& payload);
ExitCode run_revoke(Context& context, std::uint32_t device);

ExitCode run_block(Context& context, const std::string& name, bool lift);

ExitCode run_ping(Context& context);

struct RawOptions {
  bool hello = true;
  int linger_s = 2;  // after the end of stdin, for what is still to come
};
ExitCode run_raw(Context& context, const RawOptions& options);

}  // namespace godwit::cli
