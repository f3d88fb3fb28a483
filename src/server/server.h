// The composition root: builds everything, in order, and takes it down in the opposite order.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"

namespace godwit {

// Life cycle: construct (opens the store, recovers, listens), run() until a signal, destroy.
//
// SIGTERM and SIGINT drain: no new connections, every client told when to come back, accepted work
// committed and materialised, then run() returns; within server.drain_timeout_ms and the last checkpoint.
// SIGHUP reloads the configuration (all or nothing) and the TLS certificate.
class Server {
 public:
  // Throws std::runtime_error with a sentence for the operator. `reread` loads the configuration anew.
  Server(Config config, std::function<LoadResult()> reread);
  ~Server();

  void run();
  // As SIGTERM. Any thread.
  void request_drain();

  // The ports in use, in order of net.listen; then the admin port.
  std::vector<std::uint16_t> client_ports() const;
  std::uint16_t admin_port() const;

 private:
  struct Parts;
  void build_sessions();
  void build_ports();
  void add_metrics();
  void wait_for_signal();
  void maintain();
  void reload();
  void drain();
  std::string not_ready() const;

  Config config_;
  const std::function<LoadResult()> reread_;
  std::atomic<bool> draining_{false};
  std::unique_ptr<Parts> parts_;
};

}  // namespace godwit
