// A port's worth of server: listeners, and the connections that came in by them, on all workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/worker.h"
#include "net/http.h"
#include "net/options.h"

namespace godwit::net {

class Listener;
struct ServerContext;

// One for clients (routes and WebSocket), one for the admin port (routes only).
//
// Life cycle: construct before the workers start; listen(); the workers start; close_listeners() and
// close_all() for a drain; stop and join the workers; destroy; then destroy the workers.
// The end-of-turn hook, which sends, is registered with each worker on construction: construct a NetServer
// after whatever has hooks that make output for sessions.
class NetServer {
 public:
  // Throws std::runtime_error with a sentence: options that make no sense, unreadable certificate or key.
  // `factory` may be empty if the upgrade is off.
  NetServer(Options options, std::vector<Worker*> workers, Metrics& metrics, HttpRoutes routes,
            SessionFactory factory);
  ~NetServer();
  NetServer(const NetServer&) = delete;
  NetServer& operator=(const NetServer&) = delete;

  // Binds all addresses, then accepts. Throws std::runtime_error with a sentence. Once.
  void listen();
  // The actual ports, in order of options.listen; after listen().
  std::vector<std::uint16_t> ports() const;

  // The following are for any thread, and take effect in a turn of each worker.
  void pause_listeners();  // new connections wait in the kernel's backlog
  void resume_listeners();
  void close_listeners();  // new connections are refused by the kernel; for good
  // Ends all connections, WebSocket ones with this reason, and those that are still to come.
  void close_all(CloseReason reason);

  // Connections with an open socket.
  std::size_t open_connections() const;
  // The same as each worker counts them, in order of the workers.
  std::vector<std::size_t> connections_by_worker() const;

  // New TLS handshakes use what the files hold now. What is wrong with them, or empty. Any thread.
  std::string reload_tls();

 private:
  template <class F>
  void on_listeners(F f);

  std::unique_ptr<ServerContext> context_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace godwit::net
