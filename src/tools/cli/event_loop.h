// The one thread of the client: sockets, timers and the keyboard, driven by whoever waits for something.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace boost::asio {
class io_context;
}

namespace godwit::cli {

using Deadline = std::chrono::steady_clock::time_point;

inline constexpr Deadline kNoDeadline = Deadline::max();

class EventLoop {
 public:
  // Takes over SIGINT and SIGTERM and ignores SIGPIPE.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Handles events until `done` holds (true), or the deadline has passed or a signal has come (false).
  // Never called from within a handler.
  bool run_until(const std::function<bool()>& done, Deadline deadline);
  // SIGINT or SIGTERM has come.
  bool interrupted() const;
  // The signal is dealt with: handling goes on, until the next one.
  void resume();

  // Calls `readable` whenever `fd` can be read without blocking, until unwatch(). One descriptor at a time.
  // Regular files count as always readable.
  void watch(int fd, std::function<void()> readable);
  void unwatch();

  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A timer that does nothing more once it is gone. Not started: idle.
class Timer {
 public:
  explicit Timer(EventLoop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces what was started before.
  void start(std::chrono::milliseconds wait, std::function<void()> then);
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace godwit::cli
