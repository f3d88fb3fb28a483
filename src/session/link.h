// What a session and the connection under it need of one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/task.h"
#include "base/worker.h"
#include "godwit/close_reason.h"

namespace godwit {

// Who is at the other end, once the WebSocket upgrade is done.
struct PeerInfo {
  std::string address;      // textual IP address, after PROXY protocol and trusted headers
  std::string network;      // its IpAddress::network(), which limits of an address count for
  std::string user_agent;   // as sent, at most 128 bytes
  bool secure = false;      // TLS, ours or (by a trusted proxy's word) in front of us
  bool text = false;        // subprotocol godwit.v1.json: messages are text
};

// The connection, as its session sees it. Implemented by net::Connection; a test stands in for it with a
// recorder. All calls on the worker that presently owns the connection.
class Link {
 public:
  virtual ~Link() = default;

  // Begins one outgoing WebSocket message of exactly `payload_bytes`, which the caller appends to the
  // returned buffer before anything else is called. What a turn has appended leaves in one system call at
  // its end. Never blocks. After close() the bytes go nowhere.
  virtual std::string& start_message(std::size_t payload_bytes) = 0;

  // Bytes appended and not yet taken by the kernel: the session's write budget is spent on these.
  virtual std::size_t unsent_bytes() const = 0;

  // What was appended is sent, then the close frame, then the connection ends. Idempotent: the first
  // reason counts. LinkUser::on_closed follows, never from within this call.
  virtual void close(CloseReason reason) = 0;

  // The connection ends with keepalive_timeout when nothing is received for this long. Initially the
  // hello timeout applies and ends it with hello_timeout.
  virtual void set_idle_timeout(std::uint32_t milliseconds) = 0;

  // Messages up to the listener's max_frame_bytes from now on; before, only small ones: nobody is known yet. The
  // connections of one `owner` share what there is of memory for them.
  virtual void allow_large_messages(std::uint64_t owner) = 0;

  // Hands connection and session over to another worker; `then` runs there. No message is handled in
  // between, none is lost, and order is kept. To the present worker: `then` runs at once.
  virtual void move_to(Worker& worker, Task then) = 0;

  virtual Worker& worker() = 0;
  virtual const PeerInfo& peer() const = 0;
};

// The session, as its connection sees it. The connection owns it and destroys it after on_closed().
class LinkUser {
 public:
  virtual ~LinkUser() = default;
  // The upgrade is done; sends the first message.
  virtual void on_open() = 0;
  // One complete message. The bytes are the reader's buffer: valid during the call, and writable.
  virtual void on_message(std::span<char> payload) = 0;
  // unsent_bytes() fell below half of the output budget after having exceeded it.
  virtual void on_drained() = 0;
  // The connection has ended. Last call.
  virtual void on_closed(CloseReason reason) = 0;
};

}  // namespace godwit
