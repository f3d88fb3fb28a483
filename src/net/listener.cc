#include "net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "net/shard.h"

namespace godwit::net {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr auto kRest = std::chrono::milliseconds(100);

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
};

Endpoint parse_endpoint(const std::string& text) {
  const std::string_view view(text);
  const auto colon = view.rfind(':');
  if (colon != std::string_view::npos) {
    std::string_view host = view.substr(0, colon);
    const std::string_view digits = view.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto address = IpAddress::parse(host);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (address && error == std::errc() && end == digits.data() + digits.size()) return {*address, port};
  }
  throw std::runtime_error("cannot listen on '" + text +
                           "': write an IP address and a port, as in 127.0.0.1:8443");
}

std::string why_not(const std::string& address, int error) {
  std::string sentence = "cannot listen on '" + address + "': ";
  switch (error) {
    case EADDRINUSE:
      return sentence + "the port is taken by another process";
    case EACCES:
      return sentence + "the process may not use this port; ports below 1024 need CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
      return sentence + "this machine does not have the address";
    default:
      return sentence + std::strerror(error);
  }
}

socklen_t fill_sockaddr(const Endpoint& endpoint, sockaddr_storage& storage) {
  std::memset(&storage, 0, sizeof storage);
  if (endpoint.address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, endpoint.address.bytes.data() + 12, 4);
    std::memcpy(&storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(endpoint.port);
  std::memcpy(&in6.sin6_addr, endpoint.address.bytes.data(), 16);
  std::memcpy(&storage, &in6, sizeof in6);
  return sizeof in6;
}

std::uint16_t local_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  in_port_t port = 0;
  // The port is at the same place in both families (RFC 3493).
  std::memcpy(&port, reinterpret_cast<const char*>(&storage) + offsetof(sockaddr_in, sin_port), sizeof port);
  return ntohs(port);
}

void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

Listener::Listener(ServerContext& context, const std::string& address)
    : context_(context), timer_(context.shards.front()->worker().context()) {
  const Endpoint endpoint = parse_endpoint(address);
  sockaddr_storage storage;
  const socklen_t size = fill_sockaddr(endpoint, storage);
  fd_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) throw std::runtime_error(why_not(address, errno));
  set_option(fd_, SOL_SOCKET, SO_REUSEADDR, 1);
  // "[::]" and "0.0.0.0" can be listened on side by side then, whatever the system's default.
  if (storage.ss_family == AF_INET6) set_option(fd_, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
      ::listen(fd_, context.options.backlog) != 0) {
    const int error = errno;
    ::close(std::exchange(fd_, -1));
    throw std::runtime_error(why_not(address, error));
  }
  port_ = local_port(fd_);
}

Listener::~Listener() {
  if (fd_ >= 0) ::close(fd_);
}

void Listener::start() {
  if (fd_ < 0 || listening_) return;
  listening_ = context_.shards.front()->poller().add(fd_, *this, EPOLLIN);
}

void Listener::pause() {
  timer_.cancel();
  if (std::exchange(listening_, false)) context_.shards.front()->poller().remove(fd_);
}

void Listener::close() {
  pause();
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Listener::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn && listening_ && accept_one(); ++i) {
  }
}

// Whether another connection may be waiting.
bool Listener::accept_one() {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  const int fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    admit(fd, IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage)));
    return true;
  }
  switch (errno) {
    case EAGAIN:
      return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      rest_after_failure(errno);
      return false;
    default:
      return true;  // that connection broke before it was accepted, as accept(2) lists
  }
}

void Listener::admit(int fd, const IpAddress& peer) {
  using namespace std::chrono;
  const Options& options = context_.options;
  const auto now_ms = duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  if (rate_.take(now_ms, options.accept_rate_per_s, options.accept_rate_per_s) != 0) {
    refuse(fd, Refusal::rate);
    return;
  }
  ConnectionToken token = context_.quotas.acquire();
  if (!token) {
    refuse(fd, Refusal::total_limit);
    return;
  }
  // A trusted proxy brings many clients; each is counted when the proxy has told who it is.
  if (!context_.trusted.contains(peer) && !token.bind(peer)) {
    refuse(fd, Refusal::address_limit);
    return;
  }
  context_.probe.accepted();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.send_buffer_bytes != 0) {
    set_option(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(options.send_buffer_bytes));
  }
  Shard& shard = *context_.shards[next_shard_++ % context_.shards.size()];
  shard.take_over(std::make_unique<Connection>(fd, peer, std::move(token)));
}

void Listener::refuse(int fd, Refusal why) {
  context_.probe.refused(why);
  // What has arrived is taken from the kernel first, for closing with unread bytes sends a reset.
  std::array<char, 1024> unread;
  while (::recv(fd, unread.data(), unread.size(), MSG_DONTWAIT) == static_cast<ssize_t>(unread.size())) {
  }
  ::close(fd);
}

void Listener::rest_after_failure(int error) {
  context_.probe.accept_failed();
  log_limited(log_limit_, LogLevel::error, "accept_failed",
              {{"listener", context_.options.name}, {"error", std::strerror(error)}});
  pause();
  timer_.expires_after(kRest);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) start();
  });
}

}  // namespace godwit::net
