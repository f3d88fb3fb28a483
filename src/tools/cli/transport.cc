#include "tools/cli/transport.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <charconv>
#include <deque>
#include <optional>
#include <type_traits>

namespace godwit::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::chrono::seconds kStepTimeout{10};
constexpr std::size_t kMaxMessageBytes = 16 << 20;
constexpr std::size_t kMaxQueueBytes = 16 << 20;
constexpr std::uint16_t kTryAgainLater = 1013;

std::string_view subprotocol(bool json) {
  return json ? "godwit.v1.json" : "godwit.v1";
}

// Throws boost::system::system_error when the CA file cannot be used.
asio::ssl::context make_tls_context(const TransportOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (options.insecure) {
    context.set_verify_mode(asio::ssl::verify_none);
    return context;
  }
  context.set_verify_mode(asio::ssl::verify_peer);
  if (options.ca_file.empty()) {
    context.set_default_verify_paths();
  } else {
    context.load_verify_file(options.ca_file);
  }
  return context;
}

// What a refused upgrade says: "HTTP 503", and how long to stay away.
TransportEnd refused(const websocket::response_type& response) {
  TransportEnd end;
  const unsigned status = response.result_int();
  end.reason = "the server answered HTTP " + std::to_string(status);
  if (status == 429 || status == 503) end.code = kTryAgainLater;
  const std::string_view after(response[http::field::retry_after].data(),
                               response[http::field::retry_after].size());
  std::uint32_t seconds = 0;
  const auto [rest, error] = std::from_chars(after.data(), after.data() + after.size(), seconds);
  if (error == std::errc{} && seconds <= 3600) end.retry_after_ms = seconds * 1000;
  return end;
}

template <class Next>
class WebSocketTransport final : public Transport,
                                 public std::enable_shared_from_this<WebSocketTransport<Next>> {
  static constexpr bool kTls = std::is_same_v<Next, TlsStream>;

 public:
  WebSocketTransport(EventLoop& loop, TransportOptions options, TransportHandlers handlers,
                     std::optional<asio::ssl::context> tls)
      : options_(std::move(options)),
        handlers_(std::move(handlers)),
        tls_(std::move(tls)),
        resolver_(loop.context()),
        stream_(make_stream(loop.context())) {}

  void start() {
    resolver_.async_resolve(
        options_.url.host, options_.url.port,
        [self = this->shared_from_this()](error_code error, tcp::resolver::results_type found) {
          if (error) return self->fail("cannot find the host", error);
          self->connect(found);
        });
  }

  void send(std::string message) override {
    if (ended_ || closing_) return;
    queued_bytes_ += message.size();
    if (queued_bytes_ > kMaxQueueBytes) return fail("the server does not read", {});
    queue_.push_back(std::move(message));
    if (open_ && queue_.size() == 1) write_next();
  }

  void close(std::uint16_t code) override {
    if (ended_ || closing_) return;
    closing_ = true;
    close_code_ = code;
    if (!open_) {
      asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->end({1000, "closed"}); });
    } else if (queue_.empty()) {
      send_close();
    }
  }

  void abandon() override {
    handlers_ = {};
    end({});
  }

 private:
  websocket::stream<Next> make_stream(asio::io_context& context) {
    if constexpr (kTls) {
      return websocket::stream<Next>(context, *tls_);
    } else {
      return websocket::stream<Next>(context);
    }
  }

  void connect(const tcp::resolver::results_type& found) {
    beast::get_lowest_layer(stream_).expires_after(kStepTimeout);
    beast::get_lowest_layer(stream_).async_connect(
        found, [self = this->shared_from_this()](error_code error, const tcp::endpoint&) {
          if (error) return self->fail("cannot connect", error);
          error_code ignored;
          beast::get_lowest_layer(self->stream_).socket().set_option(tcp::no_delay(true), ignored);
          self->secure();
        });
  }

  void secure() {
    if constexpr (kTls) {
      Next& tls = stream_.next_layer();
      const bool named = SSL_set_tlsext_host_name(tls.native_handle(), options_.url.host.c_str()) == 1;
      if (!named) return fail("cannot name the host to TLS", {});
      if (!options_.insecure) tls.set_verify_callback(asio::ssl::host_name_verification(options_.url.host));
      beast::get_lowest_layer(stream_).expires_after(kStepTimeout);
      tls.async_handshake(asio::ssl::stream_base::client,
                          [self = this->shared_from_this()](error_code error) {
                            if (error) return self->fail("the TLS handshake failed", error);
                            self->upgrade();
                          });
    } else {
      upgrade();
    }
  }

  void upgrade() {
    // From here on the WebSocket layer has its own timeouts.
    beast::get_lowest_layer(stream_).expires_never();
    stream_.set_option(websocket::stream_base::timeout{kStepTimeout, websocket::stream_base::none(), false});
    stream_.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      request.set(http::field::sec_websocket_protocol, subprotocol(options_.json));
      request.set(http::field::user_agent, options_.user_agent);
    }));
    stream_.read_message_max(kMaxMessageBytes);
    stream_.async_handshake(
        response_, options_.url.host_header(), options_.url.path,
        [self = this->shared_from_this()](error_code error) { self->on_upgraded(error); });
  }

  void on_upgraded(error_code error) {
    if (error == websocket::error::upgrade_declined) return end(refused(response_));
    if (error) return fail("the WebSocket handshake failed", error);
    if (response_[http::field::sec_websocket_protocol] != subprotocol(options_.json)) {
      return fail("the server does not speak " + std::string(subprotocol(options_.json)), {});
    }
    if (ended_) return;
    stream_.binary(!options_.json);
    open_ = true;
    if (handlers_.opened) handlers_.opened();
    if (!queue_.empty()) write_next();
    read_next();
  }

  void read_next() {
    if (ended_) return;
    stream_.async_read(buffer_, [self = this->shared_from_this()](error_code error, std::size_t) {
      if (error == websocket::error::closed) return self->on_close_frame();
      // Closing has taken over the reading; it ends the connection, with a timeout if need be.
      if (error && self->close_sent_) return;
      if (error) return self->fail("the connection broke", error);
      const auto data = self->buffer_.cdata();
      if (self->handlers_.received) {
        self->handlers_.received({static_cast<const char*>(data.data()), data.size()});
      }
      self->buffer_.consume(data.size());
      self->read_next();
    });
  }

  void on_close_frame() {
    const auto& reason = stream_.reason();
    end({reason.code == 0 ? std::uint16_t{1005} : static_cast<std::uint16_t>(reason.code),
         std::string(reason.reason.data(), reason.reason.size())});
  }

  void write_next() {
    stream_.async_write(asio::buffer(queue_.front()),
                        [self = this->shared_from_this()](error_code error, std::size_t) {
                          // The read loop learns of it too, and of the close frame that may explain it.
                          if (error) return;
                          self->queued_bytes_ -= self->queue_.front().size();
                          self->queue_.pop_front();
                          if (!self->queue_.empty()) return self->write_next();
                          if (self->closing_) self->send_close();
                        });
  }

  void send_close() {
    if (ended_) return;
    close_sent_ = true;
    stream_.async_close(websocket::close_reason(close_code_),
                        [self = this->shared_from_this()](error_code error) {
                          if (error) return self->fail("the connection broke", error);
                          self->on_close_frame();
                        });
  }

  void fail(const std::string& what, error_code error) {
    end({1006, error ? what + ": " + error.message() : what});
  }

  void end(TransportEnd how) {
    if (std::exchange(ended_, true)) return;
    resolver_.cancel();
    beast::get_lowest_layer(stream_).close();
    asio::post(stream_.get_executor(), [self = this->shared_from_this(), how = std::move(how)] {
      // The handlers hold the owner's state; they go before it may.
      TransportHandlers handlers = std::exchange(self->handlers_, {});
      if (handlers.ended) handlers.ended(how);
    });
  }

  const TransportOptions options_;
  TransportHandlers handlers_;
  std::optional<asio::ssl::context> tls_;
  tcp::resolver resolver_;
  websocket::stream<Next> stream_;
  websocket::response_type response_;
  beast::flat_buffer buffer_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint16_t close_code_ = 1000;
  bool open_ = false;
  bool closing_ = false;  // close() was called; the queue goes out first
  bool close_sent_ = false;
  bool ended_ = false;
};

}  // namespace

std::shared_ptr<Transport> open_transport(EventLoop& loop, TransportOptions options,
                                          TransportHandlers handlers) {
  if (options.url.tls) {
    auto tls = make_tls_context(options);
    auto transport = std::make_shared<WebSocketTransport<TlsStream>>(loop, std::move(options),
                                                                     std::move(handlers), std::move(tls));
    transport->start();
    return transport;
  }
  auto transport = std::make_shared<WebSocketTransport<PlainStream>>(loop, std::move(options),
                                                                     std::move(handlers), std::nullopt);
  transport->start();
  return transport;
}

}  // namespace godwit::cli
