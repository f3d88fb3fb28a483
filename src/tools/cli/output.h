// Where the tool speaks: results on stdout, remarks on stderr; in interactive mode below a prompt that is
// redrawn.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace godwit::cli {

class Output {
 public:
  // `json`: results are lines of JSON, and remarks too.
  explicit Output(bool json) : json_(json) {}

  bool json() const { return json_; }
  // One result for people. Must be sanitised by the caller as far as others wrote it.
  void line(std::string_view text);
  // One result for programs; ASCII only, so that nothing in it can drive a terminal.
  void emit(const nlohmann::ordered_json& object);
  // A result in the form that is wanted.
  void result(std::string_view text, const nlohmann::ordered_json& object);
  // A remark. Sanitised here.
  void note(std::string_view text);

  // Shown before what the user types, and again after each line of ours; empty: none.
  void set_prompt(std::string prompt);
  void show_prompt();
  // No prompt from now on; the one on the screen keeps its line.
  void end_prompt();

 private:
  void write(std::string_view text);

  bool json_;
  std::string prompt_;
};

}  // namespace godwit::cli
