#include "base/http_client.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>

namespace godwit {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::uint32_t kMaxHeaderBytes = 16 * 1024;
constexpr std::size_t kMaxUrlBytes = 2048;

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

template <class Stream>
asio::awaitable<HttpResponse> exchange(Stream& stream, const Request& request, std::size_t max_body) {
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(max_body);
  parser.skip(request.method() == http::verb::head);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  HttpResponse out;
  out.status = parser.get().result_int();
  const auto type = parser.get()[http::field::content_type];
  out.content_type.assign(type.data(), type.size());
  out.body = std::move(parser.get().body());
  co_return out;
}

void prepare_tls(beast::ssl_stream<beast::tcp_stream>& stream, const std::string& host) {
  stream.set_verify_mode(ssl::verify_peer);
  stream.set_verify_callback(ssl::host_name_verification(host));
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  // RFC 6066 section 3: a server name indication holds no literal address.
  if (not_an_address && SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1) {
    throw std::runtime_error("the host name cannot be sent");
  }
}

// One connection, one request, one answer. Throws boost::system::system_error. Closing is left to the
// destructor: the answer's own length says that it is complete, and one that ends with the connection must
// end with a close_notify, or Asio reports it as truncated.
asio::awaitable<HttpResponse> call(const Url& url, const Request& request, ssl::context& tls,
                                   std::size_t max_body, SteadyTime deadline) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  const auto endpoints = co_await resolver.async_resolve(url.host, url.port, asio::use_awaitable);
  if (!url.tls) {
    beast::tcp_stream stream(executor);
    stream.expires_at(deadline);  // holds for every operation that follows
    co_await stream.async_connect(endpoints, asio::use_awaitable);
    co_return co_await exchange(stream, request, max_body);
  }
  beast::ssl_stream<beast::tcp_stream> stream(executor, tls);
  prepare_tls(stream, url.host);
  auto& lowest = beast::get_lowest_layer(stream);
  lowest.expires_at(deadline);
  co_await lowest.async_connect(endpoints, asio::use_awaitable);
  co_await stream.async_handshake(ssl::stream_base::client, asio::use_awaitable);
  co_return co_await exchange(stream, request, max_body);
}

Error unavailable(const Url& url, const std::string& reason) {
  return Error(Errc::delivery_unavailable, url.host + ": " + reason);
}

Error error_of(const Url& url, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& e) {
    if (e.code() == http::error::body_limit || e.code() == http::error::header_limit) {
      return Error(Errc::too_large, url.host + ": the answer is too large");
    }
    return unavailable(url, e.code().message());
  } catch (const std::exception& e) {
    return unavailable(url, e.what());
  }
}

}  // namespace

struct HttpClient::Impl {
  explicit Impl(Options o) : options(std::move(o)), tls(ssl::context::tls_client) {
    boost::system::error_code ec;
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
  std::optional<HttpResponse> response;
  std::exception_ptr failure;
  asio::io_context io(1);  // after what the coroutine writes to, so that it goes first
  asio::co_spawn(io, call(*url, *request, impl_->tls, impl_->options.max_body, deadline),
                 [&](std::exception_ptr e, HttpResponse r) {
                   failure = e;
                   if (!e) response = std::move(r);
                 });
  io.run_until(deadline);
  if (response) return std::move(*response);
  if (failure) return error_of(*url, failure);
  return unavailable(*url, "no answer in time");
}

}  // namespace godwit
