// A NetServer on loopback with a session that does what its client says, and clients to talk to it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/worker.h"
#include "net/net_server.h"
#include "net/tls_context.h"
#include "net/ws_frame.h"

namespace godwit::net {

// What sessions of a test server report; written by workers.
struct SessionLog {
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<int> drained{0};
  std::atomic<int> destroyed{0};
  std::atomic<int> wrong_worker{0};  // calls on another worker than the link's
  std::atomic<int> nested_close{0};  // on_closed from within a call of the session's
  std::atomic<int> arrived_after_close{0};
  std::atomic<int> last_close_reason{-1};
  std::atomic<bool> last_secure{false};
};

// A certificate for "localhost" with its key, as PEM files in a folder that goes with the object.
class TestCertificate {
 public:
  TestCertificate();
  ~TestCertificate();
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  // New key and certificate in the same files; `serial` tells them apart.
  void renew(long serial);
  std::string certificate() const { return folder_ + "/cert.pem"; }
  std::string key() const { return folder_ + "/key.pem"; }

 private:
  std::string folder_;
};

// A session that echoes. These messages are orders: "close:<number of a CloseReason>", "move:<worker>",
// "flood:<bytes>", "idle:<milliseconds>", "who" (answers address, security and user agent), "bounce" (moves
// to worker 1, from there to 0, speaks and closes on the way).
class TestServer {
 public:
  explicit TestServer(Options options = {}, unsigned workers = 2);
  ~TestServer();

  std::uint16_t port() const { return port_; }
  NetServer& server() { return *server_; }
  SessionLog& log() { return log_; }
  std::vector<std::unique_ptr<Worker>>& workers() { return workers_; }
  // The value of one series, as in `godwit_net_refused_total{listener="client",reason="rate"}`; 0 if absent.
  double metric(const std::string& series);
  // Stops the threads, so that all that was called for has happened.
  void stop();

 private:
  Metrics metrics_;
  SessionLog log_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<NetServer> server_;
  std::uint16_t port_ = 0;
};

struct Frame {
  WsOpcode opcode;
  std::string payload;

  std::uint16_t close_code() const;
};

struct TlsOptions {
  int min_version = 0;
  int max_version = 0;
  std::string alpn;  // in wire form
};

// A blocking client. Waits at most ten seconds for anything.
class TestClient {
 public:
  explicit TestClient(std::uint16_t port, const std::string& source_address = "127.0.0.1");
  ~TestClient();
  TestClient(TestClient&& other) noexcept;
  TestClient& operator=(TestClient&&) = delete;

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // False when the handshake fails.
  bool start_tls(const TlsOptions& options = {});
  long peer_serial() const;

  bool send(std::string_view bytes);
  void finish_sending();
  // Exactly so many bytes, or fewer at the end of the stream.
  std::string receive(std::size_t bytes);
  // All until the peer closes.
  std::string receive_all();
  // A response header, and its body by Content-Length.
  std::string receive_response(bool head = false);
  bool is_closed_by_peer();

  // Sends the upgrade and gives the status line's code.
  int upgrade(std::string_view protocols = "godwit.v1", std::string_view extra_headers = {});
  bool send_frame(WsOpcode opcode, std::string_view payload, bool fin = true);
  // Nothing at the end of the stream.
  std::optional<Frame> receive_frame();
  std::string echo(std::string_view payload, WsOpcode opcode = WsOpcode::binary);

 private:
  int fd_ = -1;
  SslContextPtr context_;
  SslPtr ssl_;
};

std::string client_frame(WsOpcode opcode, std::string_view payload, bool fin = true, bool masked = true);
std::string upgrade_request(std::string_view protocols, std::string_view extra_headers = {},
                            std::string_view path = "/v1/ws");
// Polls until `condition` holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

}  // namespace godwit::net
