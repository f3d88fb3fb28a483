// A listening socket.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <string>

#include "base/log.h"
#include "base/token_bucket.h"
#include "net/poller.h"
#include "net/server_context.h"

namespace godwit::net {

// Accepts on the first shard's worker and deals the connections out to all shards in turn. Limits are applied
// before a byte is read: who is over one is closed at once, and counted.
//
// Constructed before or while the worker runs; start(), pause() and close() on the worker's thread, or before
// it runs. Out of descriptors, it leaves new connections to the kernel's backlog for 100 ms.
class Listener final : public Pollable {
 public:
  // Binds and listens. Throws std::runtime_error with a sentence: not an address, port taken, no right to it.
  Listener(ServerContext& context, const std::string& address);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const { return port_; }
  void start();
  // New connections wait in the backlog until start().
  void pause();
  // New connections are refused by the kernel.
  void close();

  void on_ready(std::uint32_t events) override;

 private:
  bool accept_one();
  void admit(int fd, const IpAddress& peer);
  void refuse(int fd, Refusal why);
  void rest_after_failure(int error);

  ServerContext& context_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  bool listening_ = false;
  std::size_t next_shard_ = 0;
  TokenBucket rate_;
  LogLimiter log_limit_{1, 10'000};  // one line in ten seconds
  boost::asio::steady_timer timer_;
};

}  // namespace godwit::net
