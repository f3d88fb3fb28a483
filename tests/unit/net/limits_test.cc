// What hostile, slow, numerous and proxied clients meet.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "net_fixture.h"

namespace godwit::net {
namespace {

Options fast() {
  Options options;
  options.tick_ms = 10;
  options.closing_timeout_ms = 1000;
  return options;
}

std::string proxy_header(const std::string& source) {
  return "PROXY TCP4 " + source + " 10.0.0.1 1000 443\r\n";
}

double refused(TestServer& server, const std::string& reason) {
  return server.metric("godwit_net_refused_total{listener=\"client\",reason=\"" + reason + "\"}");
}

TEST(Limits, Slowloris_IsCutOffHoweverBusyItIs) {
  Options options = fast();
  options.handshake_timeout_ms = 200;
  TestServer server(options);
  TestClient client(server.port());
  const auto start = std::chrono::steady_clock::now();
  client.send("GET /hello HTTP/1.1\r\nHost: h\r\n");
  while (client.send("X: y\r\n") && std::chrono::steady_clock::now() - start < std::chrono::seconds(10)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(server.metric("godwit_net_handshake_failures_total{listener=\"client\",reason=\"timeout\"}"), 1);
}

TEST(Limits, SilentConnection_IsCutOff) {
  Options options = fast();
  options.handshake_timeout_ms = 100;
  TestServer server(options);
  TestClient client(server.port());
  EXPECT_TRUE(client.is_closed_by_peer());
}

TEST(Limits, KeptAliveConnection_IsClosedWhenIdle) {
  Options options = fast();
  options.handshake_timeout_ms = 100;
  TestServer server(options);
  TestClient client(server.port());
  client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.receive_response().ends_with("plain"));
  EXPECT_TRUE(client.is_closed_by_peer());
  EXPECT_EQ(server.metric("godwit_net_handshake_failures_total{listener=\"client\",reason=\"timeout\"}"), 0);
}

TEST(Limits, ConnectionsPerAddress_AreRefusedBeyondTheLimitOnly) {
  Options options = fast();
  options.max_connections_per_address = 2;
  TestServer server(options);
  auto first = std::make_unique<TestClient>(server.port());
  TestClient second(server.port());
  ASSERT_EQ(first->upgrade(), 101);
  ASSERT_EQ(second.upgrade(), 101);
  TestClient third(server.port());
  EXPECT_TRUE(third.is_closed_by_peer());
  EXPECT_EQ(refused(server, "address_limit"), 1);
  TestClient elsewhere(server.port(), "127.0.0.2");
  EXPECT_EQ(elsewhere.upgrade(), 101);
  first.reset();
  EXPECT_TRUE(eventually([&] { return server.server().open_connections() == 2; }));
  TestClient fourth(server.port());
  EXPECT_EQ(fourth.upgrade(), 101);
}

TEST(Limits, ConnectionsInAll_AreRefusedBeyondTheLimit) {
  Options options = fast();
  options.max_connections = 1;
  TestServer server(options);
  TestClient first(server.port());
  ASSERT_EQ(first.upgrade(), 101);
  TestClient second(server.port());
  EXPECT_TRUE(second.is_closed_by_peer());
  EXPECT_EQ(refused(server, "total_limit"), 1);
  EXPECT_EQ(first.echo("here"), "here");
}

TEST(Limits, AcceptRate_RefusesABurst) {
  Options options = fast();
  options.accept_rate_per_s = 5;
  TestServer server(options);
  int served = 0;
  std::vector<TestClient> clients;
  for (int i = 0; i < 20; ++i) clients.emplace_back(server.port());
  for (TestClient& client : clients) {
    client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
    served += client.receive_response().empty() ? 0 : 1;
  }
  EXPECT_GE(served, 5);
  EXPECT_LT(served, 20);
  EXPECT_EQ(refused(server, "rate"), 20 - served);
}

TEST(Limits, PausedListener_LeavesConnectionsWaiting) {
  TestServer server(fast());
  server.server().pause_listeners();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  TestClient client(server.port());
  EXPECT_TRUE(client.connected());
  client.send(upgrade_request("godwit.v1"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(server.log().opened, 0);
  server.server().resume_listeners();
  EXPECT_TRUE(client.receive_response().starts_with("HTTP/1.1 101"));
}

TEST(Limits, OutOfDescriptors_NewConnectionsWaitAndOldOnesGoOn) {
  TestServer server(fast());
  TestClient old(server.port());
  ASSERT_EQ(old.upgrade(), 101);
  TestClient waiting(server.port(), "127.0.0.1");
  ASSERT_EQ(waiting.upgrade(), 101);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  server.server().pause_listeners();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  TestClient late(server.port());
  // The next descriptor would be one too many.
  const rlimit none{static_cast<rlim_t>(late.fd() + 1), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  server.server().resume_listeners();
  EXPECT_TRUE(eventually(
      [&] { return server.metric("godwit_net_accept_failures_total{listener=\"client\"}") >= 1; }));
  EXPECT_EQ(old.echo("served"), "served");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(late.upgrade(), 101);
}

TEST(Limits, TenThousandSilentConnections_DoNotDisturbAnother) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  rlimit wanted{24'000, std::max<rlim_t>(files.rlim_max, 24'000)};
  // Without the right to raise the limit, as many as it allows: each takes a descriptor at both ends.
  if (::setrlimit(RLIMIT_NOFILE, &wanted) != 0) {
    wanted = {files.rlim_max, files.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &wanted), 0);
  }
  const std::size_t count = std::min<std::size_t>(10'000, (wanted.rlim_cur - 200) / 2);
  Options options = fast();
  options.max_connections_per_address = 0;
  options.handshake_timeout_ms = 60'000;
  TestServer server(options);
  TestClient talker(server.port());
  ASSERT_EQ(talker.upgrade(), 101);
  std::vector<TestClient> silent;
  silent.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    silent.emplace_back(server.port());
    ASSERT_TRUE(silent.back().connected()) << i;
    if (i % 1000 == 0) {
      ASSERT_EQ(talker.echo("ping"), "ping");
    }
  }
  EXPECT_TRUE(eventually([&] { return server.server().open_connections() == count + 1; }));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(talker.echo("ping"), "ping");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// ---- Proxies

Options behind_proxy() {
  Options options = fast();
  options.trusted_proxies = {"127.0.0.1/32"};
  options.proxy_protocol = true;
  return options;
}

TEST(Proxy, HeaderOfATrustedPeer_NamesTheClient) {
  TestServer server(behind_proxy());
  TestClient client(server.port());
  client.send(proxy_header("192.0.2.7") + upgrade_request("godwit.v1", "User-Agent: phone\r\n"));
  ASSERT_TRUE(client.receive_response().starts_with("HTTP/1.1 101"));
  EXPECT_EQ(client.echo("who"), "192.0.2.7 plain phone");
}

TEST(Proxy, HeaderByteByByte_IsRead) {
  TestServer server(behind_proxy());
  TestClient client(server.port());
  for (const char c : proxy_header("192.0.2.8") + "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n") {
    client.send(std::string_view(&c, 1));
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_TRUE(client.receive_response().ends_with("hello 192.0.2.8 plain"));
}

TEST(Proxy, HeaderBeforeTls_LeavesTheHandshakeIntact) {
  const TestCertificate files;
  Options options = behind_proxy();
  options.tls_certificate = files.certificate();
  options.tls_key = files.key();
  TestServer server(options);
  TestClient client(server.port());
  client.send(std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C", 16) +
              std::string("\xC0\0\x02\x09\x0A\0\0\1\0\1\0\2", 12));
  ASSERT_TRUE(client.start_tls());
  client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.receive_response().ends_with("hello 192.0.2.9 secure"));
}

TEST(Proxy, MissingOrBadHeaderOfATrustedPeer_EndsTheConnection) {
  TestServer server(behind_proxy());
  TestClient client(server.port());
  client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.is_closed_by_peer());
  EXPECT_EQ(server.metric("godwit_net_handshake_failures_total{listener=\"client\",reason=\"proxy_header\"}"),
            1);
}

TEST(Proxy, HeaderOfAnUntrustedPeer_IsNotBelieved) {
  TestServer server(behind_proxy());
  TestClient spoofer(server.port(), "127.0.0.2");
  spoofer.send(proxy_header("192.0.2.7") + "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(spoofer.receive_response().starts_with("HTTP/1.1 400 "));
  TestClient direct(server.port(), "127.0.0.2");
  direct.send(
      "GET /hello HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n");
  EXPECT_TRUE(direct.receive_response().ends_with("hello 127.0.0.2 plain"));
}

TEST(Proxy, ForwardedHeadersOfATrustedPeer_NameTheClient) {
  Options options = fast();
  options.trusted_proxies = {"127.0.0.1"};
  TestServer server(options);
  TestClient client(server.port());
  client.send(
      "GET /hello HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: "
      "https\r\n\r\n");
  EXPECT_TRUE(client.receive_response().ends_with("hello 192.0.2.7 secure"));
}

TEST(Proxy, AddressLimit_CountsClientsAndNotTheProxy) {
  Options options = behind_proxy();
  options.max_connections_per_address = 1;
  TestServer server(options);
  TestClient first(server.port());
  first.send(proxy_header("192.0.2.1") + upgrade_request("godwit.v1"));
  ASSERT_TRUE(first.receive_response().starts_with("HTTP/1.1 101"));
  TestClient other(server.port());
  other.send(proxy_header("192.0.2.2") + upgrade_request("godwit.v1"));
  EXPECT_TRUE(other.receive_response().starts_with("HTTP/1.1 101"));
  TestClient again(server.port());
  again.send(proxy_header("192.0.2.1"));
  EXPECT_TRUE(again.is_closed_by_peer());
}

TEST(Proxy, AddressLimitByForwardedHeader_IsA429) {
  Options options = fast();
  options.trusted_proxies = {"127.0.0.1"};
  options.max_connections_per_address = 1;
  TestServer server(options);
  TestClient first(server.port());
  EXPECT_EQ(first.upgrade("godwit.v1", "X-Forwarded-For: 192.0.2.1\r\n"), 101);
  TestClient second(server.port());
  EXPECT_EQ(second.upgrade("godwit.v1", "X-Forwarded-For: 192.0.2.1\r\n"), 429);
  TestClient third(server.port());
  EXPECT_EQ(third.upgrade("godwit.v1", "X-Forwarded-For: 192.0.2.2\r\n"), 101);
}

}  // namespace
}  // namespace godwit::net
