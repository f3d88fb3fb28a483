// A WebSocket connection to the server under test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/bench/buffer.h"
#include "tools/bench/loop.h"
#include "tools/bench/transport.h"
#include "tools/bench/websocket.h"

namespace godwit::bench {

// Why a connection ended. Of the three at most one tells.
struct CloseCause {
  std::uint16_t code = 1006;  // from the server's close frame; 1006 when there was none
  int http_status = 0;        // the upgrade was answered with this instead of 101
  int error = 0;              // errno
  std::uint32_t retry_after_ms = 0;

  // For the report: "close 4100", "http 503" or "socket Connection refused".
  std::string text() const;
  // The server asked not to come back by itself (close codes 4200 and up, and those of a wrong client).
  bool final() const;
};

class ConnectionUser {
 public:
  virtual ~ConnectionUser() = default;
  // The upgrade is done.
  virtual void on_open() = 0;
  // One binary message; the bytes are valid during the call.
  virtual void on_message(std::string_view payload, std::size_t wire_bytes) = 0;
  // All messages of one read have been handed over.
  virtual void on_read_end() = 0;
  // Last call, never from within open() or close().
  virtual void on_closed(const CloseCause& cause) = 0;
};

// Life cycle: open(), on_open(), messages, on_closed() or close(); then open() again. Owned and used by one
// thread. Output is unbounded here; writers look at unsent_bytes().
class Connection final : public Pollable {
 public:
  Connection(Loop& loop, const Target& target, std::size_t number, ConnectionUser& user);

  void open();
  // Ends it from this side, with a close frame if there is anybody to read it. No on_closed() follows.
  void close();
  bool is_open() const { return state_ == State::open; }

  // Where messages are appended; begin_write() makes sure that they leave at the end of the turn.
  Buffer& begin_write();
  // One whole binary message; returns its bytes on the wire.
  std::size_t write(std::string_view payload);
  std::size_t unsent_bytes() const { return out_.size(); }
  // Gives the output buffer back once it is empty: for connections that will be silent.
  void release_when_empty() { release_ = true; }
  // While off, nothing is taken from the socket: the client stalls.
  void set_reading(bool on);

  void on_events(std::uint32_t events) override;
  void flush() override;

 private:
  enum class State : std::uint8_t { closed, opening, upgrading, open };

  void continue_opening();
  void read_some();
  // Returns how many bytes were used up.
  std::size_t take_input(std::string_view input);
  std::size_t take_upgrade(std::string_view input);
  void on_control_frame(Opcode opcode, std::string_view payload);
  void write_control(Opcode opcode, std::string_view payload);
  void fail(CloseCause cause);
  void update_interest();

  Loop& loop_;
  const Target& target_;
  ConnectionUser& user_;
  const std::size_t number_;

  Transport transport_;
  Buffer out_;
  std::string rest_;  // the beginning of a frame whose end has not come
  std::uint32_t interest_ = 0;
  State state_ = State::closed;
  bool flush_wanted_ = false;
  bool blocked_ = false;  // the kernel takes no more for now
  bool reading_ = true;
  bool release_ = false;
};

}  // namespace godwit::bench
