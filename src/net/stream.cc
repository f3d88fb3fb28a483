#include "net/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace godwit::net {

IoResult Stream::tls_status(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {IoStatus::wait_read};
    case SSL_ERROR_WANT_WRITE:
      return {IoStatus::wait_write};
    case SSL_ERROR_ZERO_RETURN:
      return {IoStatus::end};
    default:
      return {IoStatus::failed};
  }
}

IoResult Stream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? IoResult{} : tls_status(result);
}

IoResult Stream::receive(char* data, std::size_t size, int flags) {
  ssize_t n = 0;
  do {
    n = ::recv(fd_, data, size, flags);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return {IoStatus::ok, static_cast<std::size_t>(n)};
  if (n == 0) return {IoStatus::end};
  return {errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::wait_read : IoStatus::failed};
}

IoResult Stream::peek(char* data, std::size_t size) {
  return receive(data, size, MSG_PEEK);
}

IoResult Stream::read(char* data, std::size_t size) {
  if (!ssl_) return receive(data, size, 0);
  std::size_t total = 0;
  while (total < size) {
    ERR_clear_error();
    const int n =
        SSL_read(ssl_.get(), data + total, static_cast<int>(std::min<std::size_t>(size - total, INT_MAX)));
    if (n <= 0) {
      // What came before the end is handed up first; the next read meets the end again.
      return total > 0 ? IoResult{IoStatus::ok, total} : tls_status(n);
    }
    total += static_cast<std::size_t>(n);
    if (SSL_has_pending(ssl_.get()) == 0) break;
  }
  return {IoStatus::ok, total};
}

bool Stream::has_buffered_input() const {
  return ssl_ && SSL_has_pending(ssl_.get()) == 1;
}

IoResult Stream::write(const char* data, std::size_t size) {
  if (!ssl_) {
    ssize_t n = 0;
    do {
      n = ::send(fd_, data, size, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) return {IoStatus::ok, static_cast<std::size_t>(n)};
    return {errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::wait_write : IoStatus::failed};
  }
  ERR_clear_error();
  const int n = SSL_write(ssl_.get(), data, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
  return n > 0 ? IoResult{IoStatus::ok, static_cast<std::size_t>(n)} : tls_status(n);
}

void Stream::finish_output() {
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(fd_, SHUT_WR);
}

void Stream::close() {
  ssl_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace godwit::net
