// A non-blocking TCP socket to the server under test, with or without TLS.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace godwit::bench {

// Where the server is, from a ws:// or wss:// URL.
struct Target {
  sockaddr_storage address{};
  socklen_t address_bytes = 0;
  std::string host;  // for the Host header
  std::string path;
  std::string server_name;  // for SNI; empty when the host is an address
  bool loopback4 = false;   // 127.0.0.0/8: connections are spread over source addresses
  std::shared_ptr<ssl_ctx_st> tls;
};

// Throws std::runtime_error for a URL that cannot be understood or resolved. The certificate is checked
// against `ca_file` and the host; without one it is not checked at all, since this tool talks to servers
// under test.
Target make_target(const std::string& url, bool force_tls, const std::string& ca_file);

enum class Io : std::uint8_t { done, again, closed };

// Life cycle: open(), continue_opening() until it is done, read() and write(), close(); then open() again.
class Transport {
 public:
  Transport() = default;
  ~Transport() { close(); }
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Begins to connect. `number` is that of the connection: every 10,000 leave from another loopback address,
  // because a source address runs out of ports. Returns 0 or an errno.
  int open(const Target& target, std::size_t number);
  // Advances TCP and TLS handshakes. `error()` tells why it is closed.
  Io continue_opening();
  // `count` is 0 unless done.
  Io read(std::span<char> into, std::size_t& count);
  Io write(std::string_view bytes, std::size_t& count);
  void close();

  int fd() const { return fd_; }
  // The errno that ended it; 0 when the server closed in order or TLS failed.
  int error() const { return error_; }
  // TLS: decrypted bytes may be left although the socket is not readable.
  bool tls() const { return ssl_ != nullptr; }

 private:
  Io tls_result(int result);

  int fd_ = -1;
  int error_ = 0;
  bool connected_ = false;
  ssl_st* ssl_ = nullptr;
};

}  // namespace godwit::bench
