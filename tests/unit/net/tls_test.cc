// TLS over real sockets.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "net_fixture.h"

namespace godwit::net {
namespace {

Options with_tls(const TestCertificate& files) {
  Options options;
  options.tls_certificate = files.certificate();
  options.tls_key = files.key();
  options.tick_ms = 10;
  options.closing_timeout_ms = 1000;
  return options;
}

TEST(Tls, BothVersions_CarryHttpAndWebSocket) {
  const TestCertificate files;
  TestServer server(with_tls(files));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.start_tls({.min_version = version, .max_version = version, .alpn = {}}));
    client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string response = client.receive_response();
    EXPECT_TRUE(response.ends_with("hello 127.0.0.1 secure"));
    EXPECT_NE(response.find("Strict-Transport-Security"), std::string::npos);
    ASSERT_EQ(client.upgrade(), 101);
    for (const std::size_t size : {5U, 16384U, 20000U, 131072U}) {
      const std::string payload(size, 't');
      EXPECT_EQ(client.echo(payload), payload);
    }
    EXPECT_TRUE(server.log().last_secure);
  }
  EXPECT_EQ(server.metric("godwit_net_tls_handshakes_total{listener=\"client\"}"), 2);
}

TEST(Tls, ManyFramesInOneRecord_AreAllEchoed) {
  const TestCertificate files;
  TestServer server(with_tls(files));
  TestClient client(server.port());
  ASSERT_TRUE(client.start_tls());
  ASSERT_EQ(client.upgrade(), 101);
  std::string bytes;
  for (int i = 0; i < 3000; ++i) bytes += client_frame(WsOpcode::binary, "message " + std::to_string(i));
  client.send(bytes);
  for (int i = 0; i < 3000; ++i) {
    const auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->payload, "message " + std::to_string(i));
  }
}

TEST(Tls, CloseFrame_ComesBeforeTheEndOfTheStream) {
  const TestCertificate files;
  TestServer server(with_tls(files));
  TestClient client(server.port());
  ASSERT_TRUE(client.start_tls());
  ASSERT_EQ(client.upgrade(), 101);
  client.send_frame(WsOpcode::binary, "close:" + std::to_string(static_cast<int>(CloseReason::revoked)));
  const auto frame = client.receive_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->close_code(), close_info(CloseReason::revoked).code);
  EXPECT_EQ(client.receive(1), "");
  client.finish_sending();
  EXPECT_TRUE(eventually([&] { return server.server().open_connections() == 0; }));
}

TEST(Tls, OldVersions_AreRefused) {
  const TestCertificate files;
  TestServer server(with_tls(files));
  TestClient client(server.port());
  EXPECT_FALSE(client.start_tls({.min_version = TLS1_VERSION, .max_version = TLS1_1_VERSION, .alpn = {}}));
  EXPECT_TRUE(eventually([&] {
    return server.metric("godwit_net_handshake_failures_total{listener=\"client\",reason=\"tls\"}") == 1;
  }));
}

TEST(Tls, Alpn_AcceptsHttp11AndRefusesOthers) {
  const TestCertificate files;
  TestServer server(with_tls(files));
  TestClient good(server.port());
  EXPECT_TRUE(good.start_tls({.alpn = "\x02h2\x08http/1.1"}));
  TestClient bad(server.port());
  EXPECT_FALSE(bad.start_tls({.alpn = "\x02h2"}));
}

TEST(Tls, PlainTextOnATlsPort_IsRefused) {
  const TestCertificate files;
  TestServer server(with_tls(files));
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string answer = client.receive_all();
  EXPECT_EQ(answer.find("HTTP"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return server.server().open_connections() == 0; }));
}

TEST(Tls, HalfAHandshake_IsLetGoAfterItsTime) {
  const TestCertificate files;
  Options options = with_tls(files);
  options.handshake_timeout_ms = 150;
  TestServer server(options);
  TestClient client(server.port());
  client.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11));
  EXPECT_TRUE(client.is_closed_by_peer());
  EXPECT_EQ(server.metric("godwit_net_handshake_failures_total{listener=\"client\",reason=\"timeout\"}"), 1);
}

TEST(Tls, Reload_ServesTheNewCertificateAndKeepsOpenConnections) {
  TestCertificate files;
  TestServer server(with_tls(files));
  TestClient before(server.port());
  ASSERT_TRUE(before.start_tls());
  EXPECT_EQ(before.peer_serial(), 1);
  ASSERT_EQ(before.upgrade(), 101);
  files.renew(2);
  EXPECT_EQ(server.server().reload_tls(), "");
  TestClient after(server.port());
  ASSERT_TRUE(after.start_tls());
  EXPECT_EQ(after.peer_serial(), 2);
  EXPECT_EQ(before.echo("still open"), "still open");
}

TEST(Tls, FailedReload_KeepsTheOldCertificateAndSaysWhy) {
  TestCertificate files;
  TestServer server(with_tls(files));
  std::ofstream(files.certificate()) << "not a certificate";
  EXPECT_NE(server.server().reload_tls().find("the certificate '" + files.certificate() + "' cannot be read"),
            std::string::npos);
  TestClient client(server.port());
  ASSERT_TRUE(client.start_tls());
  EXPECT_EQ(client.peer_serial(), 1);
}

TEST(Tls, UnusableFiles_AreRefusedAtTheStart) {
  const TestCertificate files;
  const TestCertificate other;
  Options options = with_tls(files);
  options.tls_key = other.key();
  try {
    TestServer server(options);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("does not belong to the certificate"), std::string::npos)
        << error.what();
  }
  options.tls_key = files.key() + ".missing";
  EXPECT_THROW(TestServer server(options), std::runtime_error);
}

}  // namespace
}  // namespace godwit::net
