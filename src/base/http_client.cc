#include "base/http_client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>

namespace godwit {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::uint32_t kMaxHeaderBytes = 16 * 1024;
constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::int64_t kMaxPollMs = 60'000;

struct Url {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string authority;  // for Host:
  std::string target;
};

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// scheme://host[:port][/path][?query], RFC 3986 without user information; a fragment is cut off.
std::optional<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return std::nullopt;
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7F) return std::nullopt;
  }
  Url url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  const std::string_view authority = text.substr(0, end);
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return std::nullopt;

  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    url.host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    rest = authority.substr(colon);
  }
  if (url.host.empty() || (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1))))) {
    return std::nullopt;
  }
  url.port = rest.empty() ? (url.tls ? "443" : "80") : std::string(rest.substr(1));
  url.authority = authority;
  return url;
}

bool is_header_name(std::string_view name) {
  constexpr std::string_view kToken =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !name.empty() && name.find_first_not_of(kToken) == std::string_view::npos;
}

bool is_header_value(std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
  }
  return true;
}

using Request = http::request<http::string_body>;

// Beast writes what it is given, so a line break in a header would start another one.
std::optional<Request> make_request(std::string_view method, const Url& url,
                                    const HttpClient::Headers& headers, std::string_view body) {
  const http::verb verb = http::string_to_verb({method.data(), method.size()});
  if (verb == http::verb::unknown || verb == http::verb::connect) return std::nullopt;
  Request request(verb, url.target, 11);
  for (const auto& [name, value] : headers) {
    if (!is_header_name(name) || !is_header_value(value)) return std::nullopt;
    request.set(name, value);
  }
  request.set(http::field::host, url.authority);
  request.set(http::field::user_agent, "godwit");
  request.set(http::field::connection, "close");
  request.body() = body;
  request.prepare_payload();
  return request;
}

// A blocking TCP socket that gives up at a deadline, which Asio's own cannot. Asio and Beast see a
// synchronous stream; synchronous because their asynchronous TLS costs minutes of compilation, and there is a
// thread to block.
class DeadlineSocket {
 public:
  using executor_type = asio::io_context::executor_type;
  using lowest_layer_type = DeadlineSocket;

  DeadlineSocket(asio::io_context& io, SteadyTime deadline) : io_(io), deadline_(deadline) {}
  DeadlineSocket(const DeadlineSocket&) = delete;
  DeadlineSocket& operator=(const DeadlineSocket&) = delete;
  ~DeadlineSocket() { close(); }

  // Tries the addresses of the host one after the other. Throws boost::system::system_error.
  void connect(const Url& url) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found) != 0) {
      throw boost::system::system_error(asio::error::host_not_found);
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
    error_code ec = asio::error::host_not_found;
    for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
      ec = connect_to(*address);
      if (!ec) return;
    }
    throw boost::system::system_error(ec);
  }

  executor_type get_executor() noexcept { return io_.get_executor(); }
  lowest_layer_type& lowest_layer() { return *this; }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& ec) {
    const auto buffer = first_of<asio::mutable_buffer>(buffers);
    return transfer(POLLIN, buffer.size(), ec, [&] { return ::recv(fd_, buffer.data(), buffer.size(), 0); });
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& ec) {
    const auto buffer = first_of<asio::const_buffer>(buffers);
    return transfer(POLLOUT, buffer.size(), ec,
                    [&] { return ::send(fd_, buffer.data(), buffer.size(), MSG_NOSIGNAL); });
  }
  // The forms that throw, which Beast's concepts ask for.
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    return or_throw([&](error_code& ec) { return read_some(buffers, ec); });
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    return or_throw([&](error_code& ec) { return write_some(buffers, ec); });
  }

 private:
  static error_code last_error() { return {errno, boost::system::system_category()}; }

  // Moving less than was asked for is what "some" allows: the first buffer with anything in it will do.
  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    const auto end = asio::buffer_sequence_end(buffers);
    for (auto it = asio::buffer_sequence_begin(buffers); it != end; ++it) {
      if (const Buffer buffer(*it); buffer.size() > 0) return buffer;
    }
    return {};
  }

  template <class Call>
  std::size_t transfer(short event, std::size_t wanted, error_code& ec, Call call) {
    ec = {};
    if (wanted == 0) return 0;
    // The clock is looked at before every call: a peer that sends a byte now and then must not outlive the
    // deadline.
    while (wait_for(event, ec)) {
      const ssize_t n = call();
      if (n > 0) return static_cast<std::size_t>(n);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      ec = n == 0 ? error_code(asio::error::eof) : last_error();
      return 0;
    }
    return 0;
  }

  template <class Call>
  static std::size_t or_throw(Call call) {
    error_code ec;
    const std::size_t n = call(ec);
    if (ec) throw boost::system::system_error(ec);
    return n;
  }

  error_code connect_to(const addrinfo& address) {
    close();
    fd_ = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol);
    if (fd_ < 0) return last_error();
    if (::connect(fd_, address.ai_addr, address.ai_addrlen) == 0) return {};
    if (errno != EINPROGRESS) return last_error();
    error_code ec;
    if (!wait_for(POLLOUT, ec)) return ec;
    int outcome = 0;
    socklen_t size = sizeof(outcome);
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &outcome, &size) != 0) return last_error();
    return {outcome, boost::system::system_category()};
  }

  // False, with the reason, when there is an error or the deadline has come.
  bool wait_for(short event, error_code& ec) {
    using std::chrono::milliseconds;
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
      if (left <= 0) break;
      pollfd waiting{fd_, event, 0};
      const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, kMaxPollMs)));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) {
        ec = last_error();
        return false;
      }
    }
    ec = asio::error::timed_out;
    return false;
  }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  asio::io_context& io_;  // never run: Asio's TLS stream wants an executor to exist
  const SteadyTime deadline_;
  int fd_ = -1;
};

using TlsStream = ssl::stream<DeadlineSocket&>;

template <class Stream>
HttpResponse exchange(Stream& stream, const Request& request, std::size_t max_body) {
  http::write(stream, request);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(max_body);
  parser.skip(request.method() == http::verb::head);
  http::read(stream, buffer, parser);
  HttpResponse out;
  out.status = static_cast<int>(parser.get().result_int());
  const auto type = parser.get()[http::field::content_type];
  out.content_type.assign(type.data(), type.size());
  out.body = std::move(parser.get().body());
  return out;
}

void handshake(TlsStream& stream, const std::string& host) {
  stream.set_verify_mode(ssl::verify_peer);
  stream.set_verify_callback(ssl::host_name_verification(host));
  error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  // RFC 6066 section 3: a server name indication holds no literal address.
  if (not_an_address && SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1) {
    throw std::runtime_error("the host name cannot be sent");
  }
  stream.handshake(ssl::stream_base::client);
}

// One connection, one request, one answer. Throws boost::system::system_error. Closing is left to the
// destructor: the answer's own length says that it is complete, and one that ends with the connection must
// end with a close_notify, or Asio reports it as truncated.
HttpResponse call(const Url& url, const Request& request, ssl::context& tls, std::size_t max_body,
                  SteadyTime deadline) {
  asio::io_context io(1);
  DeadlineSocket socket(io, deadline);
  socket.connect(url);
  if (!url.tls) return exchange(socket, request, max_body);
  TlsStream stream(socket, tls);
  handshake(stream, url.host);
  return exchange(stream, request, max_body);
}

Error unavailable(const Url& url, const std::string& reason) {
  return Error(Errc::delivery_unavailable, url.host + ": " + reason);
}

}  // namespace

struct HttpClient::Impl {
  explicit Impl(Options o) : options(std::move(o)), tls(ssl::context::tls_client) {
    error_code ec;
    if (options.ca_file.empty()) {
      tls.set_default_verify_paths(ec);
    } else {
      tls.load_verify_file(options.ca_file, ec);
    }
    if (ec)
      throw std::runtime_error("cannot load trust anchors from " + options.ca_file + ": " + ec.message());
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
  }

  Options options;
  mutable ssl::context tls;  // Asio wants it non-const to make a stream; it is not changed
};

HttpClient::HttpClient(Options options) : impl_(std::make_unique<const Impl>(std::move(options))) {}

HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::request(std::string_view method, std::string_view url_text,
                                         const Headers& headers, std::string_view body) const {
  const auto url = parse_url(url_text);
  if (!url) return Error(Errc::invalid_argument, "the URL is not a plain http(s) URL");
  const auto request = make_request(method, *url, headers, body);
  if (!request) return Error(Errc::invalid_argument, "the method or a header is malformed");

  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(impl_->options.timeout_ms);
  try {
    return call(*url, *request, impl_->tls, impl_->options.max_body, deadline);
  } catch (const boost::system::system_error& e) {
    if (e.code() == http::error::body_limit || e.code() == http::error::header_limit) {
      return Error(Errc::too_large, url->host + ": the answer is too large");
    }
    return unavailable(*url, e.code().message());
  } catch (const std::exception& e) {
    return unavailable(*url, e.what());
  }
}

}  // namespace godwit
