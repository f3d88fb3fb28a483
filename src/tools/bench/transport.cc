#include "tools/bench/transport.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace godwit::bench {
namespace {

// An address pair has 28,000 ephemeral ports, but Linux hands out every other one first, and searches them
// all, one by one, for each connection once these 14,000 are taken.
constexpr std::size_t kConnectionsPerAddress = 10'000;

std::shared_ptr<SSL_CTX> make_tls(const std::string& ca_file, const std::string& host, bool host_is_address) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) throw std::runtime_error("TLS cannot be set up");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  if (!ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1) {
      throw std::runtime_error("no certificates can be read from " + ca_file);
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM* verify = SSL_CTX_get0_param(context.get());
    if (host_is_address) {
      X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(verify, host.c_str(), 0);
    }
  }
  return context;
}

// Splits "host:port", "[::1]:port" and either without a port.
void split_authority(const std::string& authority, std::string& host, std::string& port) {
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  host = authority.substr(0, colon);
  if (colon != std::string::npos) port = authority.substr(colon + 1);
  if (bracket != std::string::npos) host = host.substr(1, bracket - 1);
}

bool is_address(const std::string& host) {
  in6_addr scratch{};
  return inet_pton(AF_INET, host.c_str(), &scratch) == 1 || inet_pton(AF_INET6, host.c_str(), &scratch) == 1;
}

}  // namespace

Target make_target(const std::string& url, bool force_tls, const std::string& ca_file) {
  const std::size_t scheme_end = url.find("://");
  const std::string scheme = url.substr(0, scheme_end);
  if (scheme_end == std::string::npos || (scheme != "ws" && scheme != "wss")) {
    throw std::runtime_error("the URL must begin with ws:// or wss://: " + url);
  }
  const bool tls = force_tls || scheme == "wss";
  const std::size_t path = url.find('/', scheme_end + 3);

  Target target;
  target.host = url.substr(scheme_end + 3, path == std::string::npos ? path : path - scheme_end - 3);
  target.path = path == std::string::npos ? "/" : url.substr(path);
  std::string host;
  std::string port = tls ? "443" : "80";
  split_authority(target.host, host, port);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failure = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failure != 0) {
    throw std::runtime_error(target.host + ": " + gai_strerror(failure));
  }
  std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
  target.address_bytes = found->ai_addrlen;
  freeaddrinfo(found);
  if (target.address.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(target.address);
    target.loopback4 = ntohl(address.sin_addr.s_addr) >> 24 == 127;
  }
  if (!is_address(host)) target.server_name = host;
  if (tls) target.tls = make_tls(ca_file, host, target.server_name.empty());
  return target;
}

int Transport::open(const Target& target, std::size_t number) {
  close();
  error_ = 0;
  fd_ = ::socket(target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return error_ = errno;
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A closed connection leaves no TIME_WAIT behind, or repeated runs would use up the ports.
  const linger none{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  if (target.loopback4) {
    // The port is chosen by connect(), which knows the whole address pair.
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(0x7F000001U + static_cast<std::uint32_t>(number / kConnectionsPerAddress));
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) return error_ = errno;
  }
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&target.address), target.address_bytes) != 0 &&
      errno != EINPROGRESS) {
    return error_ = errno;
  }
  connected_ = false;
  if (target.tls) {
    ssl_ = SSL_new(target.tls.get());
    if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_) != 1) return error_ = ENOMEM;
    if (!target.server_name.empty()) SSL_set_tlsext_host_name(ssl_, target.server_name.c_str());
    SSL_set_connect_state(ssl_);
  }
  return 0;
}

Io Transport::continue_opening() {
  if (!connected_) {
    socklen_t size = sizeof error_;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error_, &size);
    if (error_ != 0) return Io::closed;
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    if (getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return Io::again;
    connected_ = true;
  }
  if (ssl_ == nullptr) return Io::done;
  const int result = SSL_do_handshake(ssl_);
  return result == 1 ? Io::done : tls_result(result);
}

Io Transport::read(std::span<char> into, std::size_t& count) {
  count = 0;
  if (ssl_ != nullptr) {
    const int result = SSL_read_ex(ssl_, into.data(), into.size(), &count);
    return result == 1 ? Io::done : tls_result(result);
  }
  const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
  if (got > 0) {
    count = static_cast<std::size_t>(got);
    return Io::done;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Io::again;
  error_ = got < 0 ? errno : 0;
  return Io::closed;
}

Io Transport::write(std::string_view bytes, std::size_t& count) {
  count = 0;
  if (ssl_ != nullptr) {
    const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count);
    return result == 1 ? Io::done : tls_result(result);
  }
  const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (put >= 0) {
    count = static_cast<std::size_t>(put);
    return Io::done;
  }
  if (errno == EAGAIN || errno == EINTR) return Io::again;
  error_ = errno;
  return Io::closed;
}

Io Transport::tls_result(int result) {
  const int why = SSL_get_error(ssl_, result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return Io::again;
  error_ = why == SSL_ERROR_SYSCALL ? errno : 0;
  ERR_clear_error();
  return Io::closed;
}

void Transport::close() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  ssl_ = nullptr;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace godwit::bench
