#include "tools/cli/passphrase.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "tools/cli/private_file.h"

namespace godwit::cli {
namespace {

// Turns the echo off, and on again when it goes.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_{};
  bool changed_ = false;
};

std::string first_line(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::optional<std::string> ask_terminal() {
  const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (terminal.get() < 0) return std::nullopt;
  const SilentTerminal silent(terminal.get());
  write_all(terminal.get(), "Passphrase shared with the other side: ");
  char buffer[1024];
  const ssize_t n = ::read(terminal.get(), buffer, sizeof buffer);
  write_all(terminal.get(), "\n");
  if (n <= 0) return std::nullopt;
  std::string answer = first_line(std::string(buffer, static_cast<std::size_t>(n)));
  if (answer.empty()) return std::nullopt;
  return answer;
}

}  // namespace

std::optional<std::string> find_passphrase(const std::string& file, bool ask) {
  if (!file.empty()) {
    auto contents = read_private_file(file);
    if (!contents) throw std::runtime_error("there is no passphrase file " + file);
    std::string passphrase = first_line(std::move(*contents));
    if (passphrase.empty()) throw std::runtime_error("the passphrase file is empty: " + file);
    return passphrase;
  }
  const char* from_environment = std::getenv("GODWIT_PASSPHRASE");
  if (from_environment != nullptr && *from_environment != '\0') return std::string(from_environment);
  return ask ? ask_terminal() : std::nullopt;
}

}  // namespace godwit::cli
