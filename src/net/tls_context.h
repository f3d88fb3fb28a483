// Certificate, key and policy for TLS (1.2 and 1.3), exchangeable while connections are open.
#pragma once

#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace godwit::net {

struct SslDelete {
  void operator()(ssl_st* ssl) const;
  void operator()(ssl_ctx_st* context) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslDelete>;
using SslContextPtr = std::unique_ptr<ssl_ctx_st, SslDelete>;

// Thread-safe. Sets SIGPIPE to be ignored, since OpenSSL writes to sockets without MSG_NOSIGNAL.
//
// No session is kept in memory: resumption is by stateless tickets, whose keys change with reload().
class TlsContext {
 public:
  // PEM files. Throws std::runtime_error with a sentence that says what is wrong with which file.
  TlsContext(std::string certificate_file, std::string key_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Reads both files again. New handshakes use what they hold; open connections are not touched.
  // Returns what is wrong, and keeps the old ones then; empty on success.
  std::string reload();

  // The server side of a new connection on the non-blocking socket `fd`, which stays the caller's.
  // Null when memory is out.
  SslPtr accept_on(int fd);

 private:
  const std::string certificate_file_;
  const std::string key_file_;
  std::mutex mutex_;
  SslContextPtr context_;  // guarded by mutex_
};

}  // namespace godwit::net
