#include "tools/cli/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace godwit::cli {

LineReader::LineReader(EventLoop& loop, int fd) : loop_(loop), fd_(fd) {
  resume();
}

LineReader::~LineReader() {
  if (watching_) loop_.unwatch();
}

void LineReader::resume() {
  if (watching_ || ended_ || lines_.size() >= kMaxLines) return;
  watching_ = true;
  loop_.watch(fd_, [this] { read_some(); });
}

std::string LineReader::take() {
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  resume();
  return line;
}

void LineReader::read_some() {
  char buffer[1 << 14];
  const ssize_t n = ::read(fd_, buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    if (!partial_.empty()) lines_.push_back(std::move(partial_));
    ended_ = true;
  }
  for (ssize_t i = 0; i < n; ++i) {
    if (buffer[i] == '\n') {
      lines_.push_back(std::exchange(partial_, {}));
    } else if (partial_.size() < kMaxLineBytes) {
      partial_.push_back(buffer[i]);
    }
  }
  if (ended_ || lines_.size() >= kMaxLines) {
    watching_ = false;
    loop_.unwatch();
  }
}

}  // namespace godwit::cli
