// Lines from a descriptor, a terminal or a pipe, without ever blocking the loop.
#pragma once

#include <deque>
#include <string>

#include "tools/cli/event_loop.h"

namespace godwit::cli {

// Watches the descriptor while it lives. Holds at most kMaxLines lines: beyond that it stops reading until
// some are taken. Lines longer than kMaxLineBytes are cut there.
class LineReader {
 public:
  static constexpr std::size_t kMaxLines = 256;
  static constexpr std::size_t kMaxLineBytes = 1 << 20;

  LineReader(EventLoop& loop, int fd);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  bool has_line() const { return !lines_.empty(); }
  // Precondition: has_line().
  std::string take();
  // Nothing more will come, and everything was taken.
  bool at_end() const { return ended_ && lines_.empty(); }

 private:
  void resume();
  void read_some();

  EventLoop& loop_;
  int fd_;
  bool watching_ = false;
  bool ended_ = false;
  std::string partial_;
  std::deque<std::string> lines_;
};

}  // namespace godwit::cli
