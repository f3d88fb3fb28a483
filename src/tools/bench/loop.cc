#include "tools/bench/loop.h"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace godwit::bench {

std::int64_t steady_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), now_(steady_ns()), read_buffer_(new char[kReadBuffer]) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Loop::~Loop() {
  ::close(epoll_);
}

void Loop::add(int fd, std::uint32_t events, Pollable& user) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &user;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl add");
  }
}

void Loop::modify(int fd, std::uint32_t events, Pollable& user) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &user;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void Loop::at(std::int64_t when, std::function<void()> call) {
  timers_.push_back({when, std::move(call)});
  std::push_heap(timers_.begin(), timers_.end());
}

void Loop::run_timers() {
  while (!timers_.empty() && timers_.front().when <= now_) {
    std::pop_heap(timers_.begin(), timers_.end());
    const auto call = std::move(timers_.back().call);
    timers_.pop_back();
    call();
  }
}

void Loop::flush_all() {
  // Flushing may close a connection, whose user may write to another.
  for (std::size_t i = 0; i < to_flush_.size(); ++i) to_flush_[i]->flush();
  to_flush_.clear();
}

void Loop::turn(std::int64_t deadline) {
  std::int64_t wake = deadline;
  if (!timers_.empty()) wake = std::min(wake, timers_.front().when);
  const std::int64_t wait = std::clamp<std::int64_t>(wake - now_, 0, 3600 * kNsPerSecond);
  const timespec timeout{static_cast<time_t>(wait / kNsPerSecond), static_cast<long>(wait % kNsPerSecond)};

  std::array<epoll_event, 256> events;
  const int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  refresh();
  for (int i = 0; i < count; ++i) {
    static_cast<Pollable*>(events[static_cast<std::size_t>(i)].data.ptr)
        ->on_events(events[static_cast<std::size_t>(i)].events);
  }
  refresh();
  run_timers();
  flush_all();
}

}  // namespace godwit::bench
