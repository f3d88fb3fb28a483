// One WebSocket connection to the server (RFC 6455), plain or under TLS.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tools/cli/event_loop.h"
#include "tools/cli/server_url.h"

namespace godwit::cli {

struct TransportOptions {
  ServerUrl url;
  std::string ca_file;    // PEM; empty: the certificates that the system trusts
  bool insecure = false;  // take any certificate
  bool json = false;      // subprotocol godwit.v1.json, text messages
  std::string user_agent;
};

// How a connection ended, or why there is none.
struct TransportEnd {
  std::uint16_t code = 1006;  // from the close frame; 1006 when there was none, 1013 for HTTP 429 and 503
  std::string reason;
  std::uint32_t retry_after_ms = 0;  // from Retry-After
};

struct TransportHandlers {
  std::function<void()> opened;
  std::function<void(std::string_view message)> received;
  // Exactly once, also when there never was a connection. The last call.
  std::function<void(const TransportEnd& end)> ended;
};

// Life cycle: open_transport() -> opened -> received* -> ended. Handlers run on the loop, never from within a
// call. Connecting, the TLS handshake, the upgrade and closing may take 10 seconds each. Messages of up to 16
// MiB are taken; a queue of more than 16 MiB that the server does not read ends the connection.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void send(std::string message) = 0;
  // Sends what is queued, then the close frame. Idempotent.
  virtual void close(std::uint16_t code) = 0;
  // Ends at once, without calling any handler again.
  virtual void abandon() = 0;
};

std::shared_ptr<Transport> open_transport(EventLoop& loop, TransportOptions options,
                                          TransportHandlers handlers);

}  // namespace godwit::cli
