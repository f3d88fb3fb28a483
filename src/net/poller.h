// The readiness of many sockets behind one Asio descriptor.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>

namespace godwit::net {

// Told when its descriptor is ready. `events` as in epoll_wait(2).
class Pollable {
 public:
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Pollable() = default;
};

// An epoll set of its own, which is one descriptor to the worker's io_context. Asio keeps about 0.4 KB for
// each descriptor and makes a system call for each wait; a set kept level-triggered costs neither: a
// connection registers once, and up to kEventsPerPoll of them are read in one handler, thus in one turn.
//
// Owner thread only, but the constructor. A Pollable that may still be reported by the poll in progress must
// not be destroyed before the turn ends.
class Poller {
 public:
  static constexpr int kEventsPerPoll = 256;

  // Throws std::runtime_error when the process is out of descriptors.
  explicit Poller(boost::asio::io_context& context);

  // False when the kernel refuses (out of watches or memory).
  [[nodiscard]] bool add(int fd, Pollable& pollable, std::uint32_t events);
  void modify(int fd, Pollable& pollable, std::uint32_t events);
  void remove(int fd);

 private:
  void wait();
  void poll();

  boost::asio::posix::stream_descriptor set_;
};

}  // namespace godwit::net
