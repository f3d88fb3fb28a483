// What a NetServer is told: one for the client port, one for the admin port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "session/link.h"

namespace godwit::net {

// What a client on a bad line must reach in the long run.
inline constexpr std::uint32_t kSlowestBytesPerS = 16 * 1024;
// A message of at most this is read for anyone, and is small enough not to be counted.
inline constexpr std::uint32_t kSmallMessageBytes = 64 * 1024;

struct Options {
  std::string name = "client";  // label of the metrics and field of the log lines

  // "127.0.0.1:8443", "[::1]:0"; an IP address with a port, 0 for any free one.
  std::vector<std::string> listen;
  int backlog = 4096;

  // PEM files; both empty: plain text. The certificate file holds the whole chain.
  std::string tls_certificate;
  std::string tls_key;

  // Peers in these networks are believed: PROXY header (required from them if proxy_protocol is on),
  // X-Forwarded-For and X-Forwarded-Proto. Peers elsewhere that send those headers are not.
  bool proxy_protocol = false;
  std::vector<std::string> trusted_proxies;

  std::uint32_t max_connections = 1'000'000;
  // Per IPv4 address or IPv6 /64; 0 for no limit.
  std::uint32_t max_connections_per_address = 1'000;
  // New connections a second, the same number at once; 0 for no limit.
  std::uint32_t accept_rate_per_s = 0;

  // From accept until the WebSocket upgrade or the end of a request; also between two requests.
  std::uint32_t handshake_timeout_ms = 10'000;
  // From the upgrade until the session sets its own timeout.
  std::uint32_t hello_timeout_ms = 10'000;
  // For the peer to close its side once we have said all.
  std::uint32_t closing_timeout_ms = 2'000;
  // For an unfinished message above kSmallMessageBytes: this long, and a second more for each kSlowestBytesPerS of it.
  std::uint32_t message_timeout_ms = 30'000;
  // Until a route has answered.
  std::uint32_t reply_timeout_ms = 60'000;

  std::uint32_t max_header_bytes = 8 * 1024;
  std::uint32_t max_body_bytes = 64 * 1024;
  // Of one WebSocket message, in however many frames; before the session knows its client, kSmallMessageBytes.
  std::uint32_t max_frame_bytes = 6 * 1024 * 1024;
  // Of unfinished messages above kSmallMessageBytes, of all connections together; of one owner a sixteenth, but always
  // one. One more waits, and ends with overloaded when as much waits already or when it does for the idle timeout.
  std::uint64_t max_large_input_bytes = 256 * 1024 * 1024;
  // More unsent output ends the connection with output_stalled.
  std::uint32_t max_output_bytes = 8 * 1024 * 1024;
  // With more unsent output nothing is read from the peer, pings go unanswered, and Link::on_drained follows.
  std::uint32_t output_budget_bytes = 256 * 1024;
  // SO_SNDBUF; 0 leaves it to the kernel.
  std::uint32_t send_buffer_bytes = 0;

  bool allow_upgrade = true;
  std::string websocket_path = "/v1/ws";

  // Resolution of all the timeouts above.
  std::uint32_t tick_ms = 1'000;
};

// Throws std::runtime_error with a sentence for each thing that makes no sense.
void validate(const Options& options);

// Makes the session of a connection that has been upgraded; on the worker of the connection. It must not
// call the link before LinkUser::on_open. Null refuses the upgrade with 503.
using SessionFactory = std::function<std::unique_ptr<LinkUser>(Link&)>;

}  // namespace godwit::net
