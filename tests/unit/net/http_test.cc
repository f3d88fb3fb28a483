#include "net/http.h"

#include <gtest/gtest.h>

#include "net/http_parser.h"
#include "net/upgrade.h"
#include "net_fixture.h"

namespace godwit::net {
namespace {

using ParseStatus = HttpParser::Outcome::Status;

HttpHandler answers(std::string body) {
  return [body = std::move(body)](HttpRequest, const HttpReply& reply) {
    HttpResponse response;
    response.body = body;
    reply(std::move(response));
  };
}

std::string body_of(const HttpRoutes& routes, std::string_view method, std::string_view path) {
  const HttpRoutes::Match match = routes.find(method, path);
  if (match.handler == nullptr) return match.allow.empty() ? "404" : "405 " + match.allow;
  std::string body;
  (*match.handler)({}, [&](const HttpResponse& response) { body = response.body; });
  return body;
}

TEST(HttpRoutes, ExactThenLongestPrefix_Wins) {
  HttpRoutes routes;
  routes.add("GET", "/", answers("root"));
  routes.add("GET", "/a/*", answers("prefix a"));
  routes.add("GET", "/a/b/*", answers("prefix b"));
  routes.add("GET", "/a/b/c", answers("exact"));
  routes.add("POST", "/a/b/c", answers("posted"));
  EXPECT_EQ(body_of(routes, "GET", "/"), "root");
  EXPECT_EQ(body_of(routes, "GET", "/a/b/c"), "exact");
  EXPECT_EQ(body_of(routes, "HEAD", "/a/b/c"), "exact");
  EXPECT_EQ(body_of(routes, "POST", "/a/b/c"), "posted");
  EXPECT_EQ(body_of(routes, "GET", "/a/b/d/e"), "prefix b");
  EXPECT_EQ(body_of(routes, "GET", "/a/x"), "prefix a");
  EXPECT_EQ(body_of(routes, "GET", "/a"), "404");
  EXPECT_EQ(body_of(routes, "GET", "/b"), "404");
  EXPECT_EQ(body_of(routes, "DELETE", "/a/b/c"), "405 GET, HEAD, POST");
}

TEST(HttpRequest, Queries_AreDecoded) {
  HttpRequest request;
  request.query = "a=1&name=J%C3%BCrgen+B&empty=&flag&bad=%zz";
  EXPECT_EQ(request.query_parameter("a"), "1");
  EXPECT_EQ(request.query_parameter("name"), "J\xC3\xBCrgen B");
  EXPECT_EQ(request.query_parameter("empty"), "");
  EXPECT_EQ(request.query_parameter("flag"), "");
  EXPECT_EQ(request.query_parameter("bad"), "%zz");
  EXPECT_EQ(request.query_parameter("none"), std::nullopt);
}

TEST(HttpParser, RequestInSinglePieces_IsTheSameAsWhole) {
  const std::string text =
      "POST /x?y=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello";
  HttpParser parser(1024, 1024);
  std::string pending;
  for (std::size_t i = 0; i < text.size(); ++i) {
    pending.push_back(text[i]);
    const auto outcome = parser.feed(pending);
    pending.erase(0, outcome.consumed);
    ASSERT_EQ(outcome.status, i + 1 < text.size() ? ParseStatus::need_more : ParseStatus::complete) << i;
  }
  EXPECT_TRUE(parser.keep_alive());
  const HttpRequest request = parser.take();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/x");
  EXPECT_EQ(request.query, "y=1");
  EXPECT_EQ(request.body, "hello");
  EXPECT_EQ(request.joined_header("X-A"), "1, 2");
}

TEST(HttpParser, PipelinedRequest_IsLeftAlone) {
  const std::string first = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  HttpParser parser(1024, 1024);
  const auto outcome = parser.feed(first + "GET /b");
  EXPECT_EQ(outcome.status, ParseStatus::complete);
  EXPECT_EQ(outcome.consumed, first.size());
}

TEST(HttpParser, Faults_HaveTheirStatus) {
  const auto status_of = [](const std::string& text) {
    HttpParser parser(512, 100);
    const auto outcome = parser.feed(text);
    return outcome.status == ParseStatus::failed ? outcome.http_status : 0;
  };
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: " + std::string(600, 'x')), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n"), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
                      "\r\n"),
            413);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /a b HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\x16\x03\x01\x02 a TLS hello on a plain port\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(HttpResponse, FieldsWithLineBreaks_AreLeftOut) {
  HttpResponse response;
  response.headers = {{"X-Good", "1"}, {"X-Bad", "1\r\nSet-Cookie: stolen"}, {"Cache-Control", "max-age=60"}};
  std::string out;
  append_http_response(out, response, {.secure = true});
  EXPECT_NE(out.find("X-Good: 1\r\n"), std::string::npos);
  EXPECT_EQ(out.find("stolen"), std::string::npos);
  EXPECT_NE(out.find("Cache-Control: max-age=60"), std::string::npos);
  EXPECT_EQ(out.find("no-store"), std::string::npos);
  EXPECT_NE(out.find("X-Content-Type-Options: nosniff"), std::string::npos);
  EXPECT_NE(out.find("Strict-Transport-Security"), std::string::npos);
  EXPECT_NE(out.find(" GMT\r\n"), std::string::npos);
}

TEST(HttpResponse, Head_HasLengthButNoBody) {
  HttpResponse response;
  response.body = "body";
  std::string out;
  append_http_response(out, response, {.head = true, .keep_alive = false});
  EXPECT_NE(out.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_NE(out.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
}

HttpRequest parse_upgrade(const std::string& text) {
  HttpParser parser(4096, 4096);
  EXPECT_EQ(parser.feed(text).status, ParseStatus::complete);
  return parser.take();
}

TEST(Upgrade, AcceptKey_IsThatOfTheRfcExample) {
  EXPECT_EQ(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Upgrade, Subprotocol_IsTheClientsFirstThatWeSpeak) {
  const auto protocol = [](std::string_view offered) {
    return check_upgrade(parse_upgrade(upgrade_request(offered))).protocol;
  };
  EXPECT_EQ(protocol("godwit.v1"), "godwit.v1");
  EXPECT_EQ(protocol("chat, godwit.v1.json, godwit.v1"), "godwit.v1.json");
  EXPECT_EQ(protocol("godwit.v1,godwit.v1.json"), "godwit.v1");
  EXPECT_EQ(protocol("godwit.v2"), "");
  EXPECT_EQ(protocol(""), "");
}

TEST(Upgrade, FaultyRequests_AreRefusedWithTheirStatus) {
  const auto status_after = [](std::string_view what, std::string_view instead) {
    std::string text = upgrade_request("godwit.v1");
    text.replace(text.find(what), what.size(), instead);
    const Upgrade upgrade = check_upgrade(parse_upgrade(text));
    return upgrade.accepted ? 101 : upgrade.refusal.status;
  };
  EXPECT_EQ(status_after("Host", "Host"), 101);
  EXPECT_EQ(status_after("Version: 13", "Version: 8"), 426);
  EXPECT_EQ(status_after("Upgrade: websocket\r\n", ""), 426);
  EXPECT_EQ(status_after("keep-alive, Upgrade", "keep-alive"), 426);
  EXPECT_EQ(status_after("GET", "POST"), 405);
  EXPECT_EQ(status_after("HTTP/1.1", "HTTP/1.0"), 400);
  EXPECT_EQ(status_after("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400);
  EXPECT_EQ(status_after("dGhlIHNhbXBsZSBub25jZQ==", "!!!!IHNhbXBsZSBub25jZQ=="), 400);
  EXPECT_EQ(status_after("Sec-WebSocket-Protocol: godwit.v1\r\n", ""), 400);
}

}  // namespace
}  // namespace godwit::net
