// Parts of a Connection that most connections lack most of the time; for connection*.cc alone.
#pragma once

#include <memory>
#include <string>

#include "base/task.h"
#include "net/connection.h"
#include "net/http_parser.h"
#include "net/ip_address.h"
#include "net/large_inputs.h"

namespace godwit::net {

// How a reply, which may come late and from anywhere, finds its connection. The pointer is null once the
// connection has gone; it is read and written on the connection's worker only. (HTTP does not move.)
struct HttpAnchor {
  Connection* connection = nullptr;
};

struct Connection::Http {
  explicit Http(const IpAddress& peer) : address(peer) {}

  IpAddress address;        // of the peer, or of the client in the PROXY header
  std::string proxy_bytes;  // the beginning of a PROXY header
  std::unique_ptr<HttpParser> parser;
  std::shared_ptr<HttpAnchor> anchor;  // from the first routed request on
  std::uint32_t requests = 0;
  bool awaiting = false;   // a route has the request and has not answered
  bool keep_alive = true;  // of the present request
  bool head = false;
};

struct Connection::Input {
  std::string bytes;
  std::size_t needed = 0;  // with less than this there is nothing to be done; 0: unknown
  std::size_t whole = 0;   // of the message; 0: unknown
};

// Of a message above kSmallMessageBytes that is not complete. Without room for it nothing more is read, and room is
// asked for again each tick.
struct Connection::Large {
  Large(LargeInputs& all, std::uint64_t owner) : input(all, owner) {}
  LargeInput input;
  std::size_t here = 0;         // bytes of it that were read
  std::uint32_t since = 0;      // tick: room was given, less the time in which we did not read; or was last asked for
  std::uint32_t paused_at = 0;  // tick
};

struct Connection::Departure {
  Shard* target;
  Task then;
};

}  // namespace godwit::net
