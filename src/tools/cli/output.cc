#include "tools/cli/output.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

std::string dump(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

void put(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

}  // namespace

void Output::write(std::string_view text) {
  if (!prompt_.empty()) put(stdout, kClearLine);
  put(stdout, text);
  put(stdout, "\n");
  if (!prompt_.empty()) put(stdout, prompt_);
  std::fflush(stdout);
}

void Output::line(std::string_view text) {
  write(text);
}

void Output::emit(const nlohmann::ordered_json& object) {
  write(dump(object));
}

void Output::result(std::string_view text, const nlohmann::ordered_json& object) {
  if (json_) {
    emit(object);
  } else {
    line(text);
  }
}

void Output::note(std::string_view text) {
  const std::string safe = sanitize(text);
  if (!prompt_.empty()) return write("* " + safe);
  put(stderr, json_ ? dump({{"type", "note"}, {"text", safe}}) : "godwit-cli: " + safe);
  put(stderr, "\n");
}

void Output::set_prompt(std::string prompt) {
  prompt_ = std::move(prompt);
}

void Output::show_prompt() {
  if (prompt_.empty()) return;
  put(stdout, prompt_);
  std::fflush(stdout);
}

void Output::end_prompt() {
  if (prompt_.empty()) return;
  prompt_.clear();
  put(stdout, "\n");
  std::fflush(stdout);
}

}  // namespace godwit::cli
