// A non-blocking socket, with or without TLS on it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/tls_context.h"

namespace godwit::net {

enum class IoStatus : std::uint8_t {
  ok,
  wait_read,   // nothing now; the socket's readability will change that
  wait_write,  // the same by writability
  end,         // the peer has finished sending
  failed,      // the connection is broken, or what came is not TLS
};

struct IoResult {
  IoStatus status = IoStatus::ok;
  std::size_t bytes = 0;
};

// Owns the descriptor. Not thread-safe.
class Stream {
 public:
  explicit Stream(int fd) : fd_(fd) {}
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int fd() const { return fd_; }
  bool is_tls() const { return ssl_ != nullptr; }
  void set_tls(SslPtr ssl) { ssl_ = std::move(ssl); }

  // Carries the TLS handshake on; ok when it is done.
  IoResult handshake();
  // Up to `size` bytes; with TLS, what several records hold.
  IoResult read(char* data, std::size_t size);
  // The next bytes without taking them; not with TLS.
  IoResult peek(char* data, std::size_t size);
  // Bytes that read() would return although the socket is not readable.
  bool has_buffered_input() const;
  IoResult write(const char* data, std::size_t size);
  // No more output: close_notify if TLS, then FIN. The peer's side stays open.
  void finish_output();
  void close();

 private:
  IoResult receive(char* data, std::size_t size, int flags);
  IoResult tls_status(int result) const;

  int fd_;
  SslPtr ssl_;
};

}  // namespace godwit::net
