// Why a command did not succeed, and the exit code that says so to scripts.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace godwit::v1 {
class Error;
}

namespace godwit::cli {

// The exit codes of godwit-cli; `godwit-cli --help` lists them too.
enum class ExitCode : int {
  ok = 0,
  usage = 1,         // bad arguments, or a local file that cannot be used
  server = 2,        // the server said no; the error's name is on stderr
  connection = 3,    // the server could not be reached, or the connection broke
  timeout = 4,       // the time given by --timeout is over
  interrupted = 130  // by SIGINT or SIGTERM
};

struct Failure {
  ExitCode exit = ExitCode::server;
  std::string name;  // of the error or the close reason: stable, for scripts
  std::string text;  // for people
  bool retryable = false;
  std::uint32_t retry_after_ms = 0;
};

// What the server answered. Codes that this program does not know become "error_<number>".
Failure failure_of(const v1::Error& error);

// Ends a command. Thrown by commands only, caught in main.
class CommandError : public std::runtime_error {
 public:
  explicit CommandError(Failure why) : std::runtime_error(why.text), failure(std::move(why)) {}
  CommandError(ExitCode exit, std::string name, std::string text)
      : CommandError(Failure{exit, std::move(name), std::move(text)}) {}

  Failure failure;
};

}  // namespace godwit::cli
