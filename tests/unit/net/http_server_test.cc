// Plain HTTP over real sockets.
#include <gtest/gtest.h>

#include <stdexcept>

#include "net_fixture.h"

namespace godwit::net {
namespace {

std::string ask(TestServer& server, const std::string& request) {
  TestClient client(server.port());
  client.send(request);
  return client.receive_response();
}

std::string get(TestServer& server, const std::string& path) {
  return ask(server, "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(HttpServer, Get_IsAnswered) {
  TestServer server;
  const std::string response = get(server, "/hello?x=1");
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n")) << response;
  EXPECT_TRUE(response.ends_with("\r\n\r\nhello 127.0.0.1 plain")) << response;
  EXPECT_EQ(server.metric("godwit_net_http_responses_total{listener=\"client\",status=\"200\"}"), 1);
}

TEST(HttpServer, UnknownPathAndMethod_Are404And405) {
  TestServer server;
  EXPECT_TRUE(get(server, "/nothing").starts_with("HTTP/1.1 404 "));
  const std::string response = ask(server, "DELETE /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(response.starts_with("HTTP/1.1 405 "));
  EXPECT_NE(response.find("Allow: GET, HEAD\r\n"), std::string::npos);
}

TEST(HttpServer, KeepAliveAndPipelining_AnswerInOrder) {
  TestServer server;
  TestClient client(server.port());
  std::string requests;
  for (int i = 0; i < 20; ++i) {
    const std::string body = "body " + std::to_string(i);
    requests += "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body;
    requests += i == 10 ? "GET /late HTTP/1.1\r\nHost: h\r\n\r\n" : "";
  }
  client.send(requests);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(client.receive_response().ends_with("\r\n\r\nbody " + std::to_string(i)));
    if (i == 10) {
      EXPECT_TRUE(client.receive_response().ends_with("\r\n\r\nlate"));
    }
  }
}

TEST(HttpServer, Head_HasNoBody) {
  TestServer server;
  TestClient client(server.port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.receive_response(true).starts_with("HTTP/1.1 200 OK"));
  EXPECT_TRUE(client.receive_response().starts_with("HTTP/1.1 200 OK"));
}

TEST(HttpServer, ConnectionClose_AndHttp10_AreClosedAfterTheAnswer) {
  TestServer server;
  for (const std::string request :
       {"GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\n\r\n"}) {
    TestClient client(server.port());
    client.send(request);
    const std::string all = client.receive_all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_NE(all.find("Connection: close\r\n"), std::string::npos);
  }
}

TEST(HttpServer, ClientThatClosesItsSideFirst_GetsItsAnswer) {
  TestServer server;
  TestClient client(server.port());
  client.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  client.finish_sending();
  const std::string response = client.receive_response();
  EXPECT_GT(response.size(), 8U * 1024 * 1024);
}

TEST(HttpServer, TooLargeHeaderAndBody_Are431And413) {
  TestServer server;
  EXPECT_TRUE(ask(server, "GET /hello HTTP/1.1\r\nHost: h\r\nX: " + std::string(9000, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(ask(server, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n")
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(ask(server, "BROKEN\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(server, "GET /hello HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));  // no Host
}

TEST(HttpServer, ExpectContinue_IsAnsweredBeforeTheBody) {
  TestServer server;
  TestClient client(server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.receive_response(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_TRUE(client.receive_response().ends_with("\r\n\r\nbody"));
}

TEST(HttpServer, HandlersThatForgetOrThrow_GiveA500) {
  TestServer server;
  TestClient client(server.port());
  for (const char* path : {"/forgotten", "/throws"}) {
    client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.receive_response().starts_with("HTTP/1.1 500 ")) << path;
  }
}

TEST(HttpServer, ReplyAfterTheClientHasGone_IsDropped) {
  TestServer server;
  {
    TestClient client(server.port());
    client.send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  EXPECT_TRUE(get(server, "/late").ends_with("late"));
}

TEST(HttpServer, TakenPort_IsSaidInASentence) {
  TestServer server;
  Options options;
  options.listen = {"127.0.0.1:" + std::to_string(server.port())};
  try {
    TestServer second(options);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()),
              "cannot listen on '" + options.listen[0] + "': the port is taken by another process");
  }
  for (const char* address : {"localhost:1", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x", ":80"}) {
    options.listen = {address};
    EXPECT_THROW(TestServer third(options), std::runtime_error) << address;
  }
}

TEST(HttpServer, Ipv6Loopback_IsServedBesideIpv4) {
  Options options;
  options.listen = {"127.0.0.1:0", "[::1]:0"};
  std::unique_ptr<TestServer> server;
  try {
    server = std::make_unique<TestServer>(options);
  } catch (const std::runtime_error& error) {
    // A machine without IPv6 says so; that is the other right outcome.
    EXPECT_NE(std::string(error.what()).find("[::1]:0"), std::string::npos);
    return;
  }
  EXPECT_EQ(server->server().ports().size(), 2U);
  EXPECT_NE(server->server().ports()[1], 0);
  EXPECT_TRUE(get(*server, "/hello").starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace godwit::net
