#include "net/poller.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace godwit::net {
namespace {

int make_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::runtime_error(std::string("cannot create an epoll set: ") + std::strerror(errno));
  return fd;
}

epoll_event make_event(Pollable& pollable, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &pollable;
  return event;
}

}  // namespace

Poller::Poller(boost::asio::io_context& context) : set_(context, make_epoll()) {
  wait();
}

bool Poller::add(int fd, Pollable& pollable, std::uint32_t events) {
  epoll_event event = make_event(pollable, events);
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::modify(int fd, Pollable& pollable, std::uint32_t events) {
  epoll_event event = make_event(pollable, events);
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd) {
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
}

void Poller::wait() {
  set_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                  [this](const boost::system::error_code& error) {
                    if (error) return;  // the set is being destroyed
                    poll();
                    wait();
                  });
}

void Poller::poll() {
  std::array<epoll_event, kEventsPerPoll> events;
  const int count = ::epoll_wait(set_.native_handle(), events.data(), kEventsPerPoll, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
  }
}

}  // namespace godwit::net
