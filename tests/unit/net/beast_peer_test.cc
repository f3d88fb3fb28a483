// Boost.Beast's WebSocket client as a peer that shares no code with our framing.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "net_fixture.h"

namespace godwit::net {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;

asio::ip::tcp::endpoint endpoint_of(const TestServer& server) {
  return {asio::ip::make_address("127.0.0.1"), server.port()};
}

template <class Stream>
void open(Stream& ws, const std::string& protocol) {
  ws.set_option(websocket::stream_base::decorator(
      [protocol](websocket::request_type& request) { request.set("Sec-WebSocket-Protocol", protocol); }));
  ws.handshake("localhost", "/v1/ws");
}

// Echoes of all sizes, written in frames of Beast's choice.
template <class Stream>
void exchange_messages(Stream& ws, bool text) {
  ws.text(text);
  ws.auto_fragment(true);
  ws.write_buffer_bytes(1000);
  for (const std::size_t size : {0U, 1U, 125U, 126U, 999U, 1000U, 65535U, 65536U, 100000U}) {
    const std::string message(size, 'm');
    ws.write(asio::buffer(message));
    boost::beast::flat_buffer buffer;
    ws.read(buffer);
    EXPECT_EQ(boost::beast::buffers_to_string(buffer.data()), message);
    EXPECT_EQ(ws.got_text(), text);
  }
}

TEST(BeastPeer, BinaryAndText_AreEchoedAndClosed) {
  TestServer server;
  for (const bool text : {false, true}) {
    asio::io_context io;
    websocket::stream<asio::ip::tcp::socket> ws(io);
    ws.next_layer().connect(endpoint_of(server));
    open(ws, text ? "godwit.v1.json" : "godwit.v1");
    exchange_messages(ws, text);
    int pongs = 0;
    ws.control_callback([&](websocket::frame_type kind, boost::beast::string_view payload) {
      if (kind == websocket::frame_type::pong && payload == "hey") ++pongs;
    });
    ws.ping("hey");
    ws.write(asio::buffer("x", 1));
    boost::beast::flat_buffer buffer;
    ws.read(buffer);
    EXPECT_EQ(pongs, 1);
    ws.close(websocket::close_reason(websocket::close_code::normal, "done"));
    EXPECT_EQ(ws.reason().code, websocket::close_code::normal);
  }
  EXPECT_TRUE(eventually([&] { return server.log().destroyed == 2; }));
}

TEST(BeastPeer, OverTls_IsEchoedAndClosed) {
  const TestCertificate files;
  Options options;
  options.tls_certificate = files.certificate();
  options.tls_key = files.key();
  TestServer server(options);
  asio::io_context io;
  asio::ssl::context tls(asio::ssl::context::tls_client);
  websocket::stream<asio::ssl::stream<asio::ip::tcp::socket>> ws(io, tls);
  ws.next_layer().next_layer().connect(endpoint_of(server));
  ws.next_layer().handshake(asio::ssl::stream_base::client);
  open(ws, "godwit.v1");
  exchange_messages(ws, false);
  boost::system::error_code error;
  ws.close(websocket::close_code::going_away, error);
  EXPECT_EQ(ws.reason().code, websocket::close_code::going_away);
}

TEST(BeastPeer, ServersClose_IsUnderstood) {
  TestServer server;
  asio::io_context io;
  websocket::stream<asio::ip::tcp::socket> ws(io);
  ws.next_layer().connect(endpoint_of(server));
  open(ws, "godwit.v1");
  ws.binary(true);
  ws.write(asio::buffer("close:" + std::to_string(static_cast<int>(CloseReason::draining))));
  boost::beast::flat_buffer buffer;
  boost::system::error_code error;
  ws.read(buffer, error);
  EXPECT_EQ(error, websocket::error::closed);
  EXPECT_EQ(ws.reason().code, 4000);
}

TEST(BeastPeer, WrongSubprotocol_IsRefused) {
  TestServer server;
  asio::io_context io;
  websocket::stream<asio::ip::tcp::socket> ws(io);
  ws.next_layer().connect(endpoint_of(server));
  ws.set_option(websocket::stream_base::decorator(
      [](websocket::request_type& request) { request.set("Sec-WebSocket-Protocol", "other"); }));
  websocket::response_type response;
  boost::system::error_code error;
  ws.handshake(response, "localhost", "/v1/ws", error);
  EXPECT_EQ(error, websocket::error::upgrade_declined);
  EXPECT_EQ(response.result_int(), 400U);
}

}  // namespace
}  // namespace godwit::net
