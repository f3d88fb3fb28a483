#include "base/http_client.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "auth/http_fetch.h"
#include "test_server.h"
#include "test_tokens.h"

namespace godwit {
namespace {

std::string answer(const std::string& body, const std::string& status = "200 OK",
                   const std::string& more_headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + more_headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpClientTest : public testing::Test {
 protected:
  HttpClient::Options trusting(const TestCertificate& certificate) {
    HttpClient::Options o;
    o.ca_file = dir_.file("ca.pem");
    std::ofstream(o.ca_file) << certificate.certificate;
    return o;
  }
  static void expect_unavailable(const Result<HttpResponse>& response) {
    ASSERT_FALSE(response.ok());
    EXPECT_EQ(response.error().code, Errc::delivery_unavailable);
  }

  auth::TempDir dir_;
};

TEST_F(HttpClientTest, get_gives_status_type_and_body) {
  std::string seen;
  TestServer server([&](const std::string& request) {
    seen = request;
    return answer("{\"keys\":[]}");
  });
  const HttpClient client({});
  const auto response = client.request("GET", server.url("/a/b?c=d#e"), {{"Accept", "application/json"}}, "");
  ASSERT_TRUE(response.ok()) << response.error().detail;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->content_type, "application/json");
  EXPECT_EQ(response->body, "{\"keys\":[]}");
  EXPECT_TRUE(seen.starts_with("GET /a/b?c=d HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("Host: 127.0.0.1:" + server.port() + "\r\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("Accept: application/json\r\n"), std::string::npos) << seen;
}

TEST_F(HttpClientTest, post_sends_its_body_and_any_status_is_an_answer) {
  std::string seen;
  TestServer server([&](const std::string& request) {
    seen = request;
    return answer("no", "503 Service Unavailable");
  });
  const HttpClient client({});
  const std::string body(100'000, 'b');
  const auto response = client.request("POST", server.url(), {{"Content-Type", "text/plain"}}, body);
  ASSERT_TRUE(response.ok()) << response.error().detail;
  EXPECT_EQ(response->status, 503);
  EXPECT_TRUE(seen.ends_with(body));
}

TEST_F(HttpClientTest, chunked_and_connection_terminated_bodies_are_read) {
  std::string reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  TestServer server([&](const std::string&) { return reply; });
  const HttpClient client({});
  EXPECT_EQ(client.request("GET", server.url(), {}, "").value().body, "abcde");
  reply = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
  EXPECT_EQ(client.request("GET", server.url(), {}, "").value().body, "until the end");
}

TEST_F(HttpClientTest, redirect_is_not_followed) {
  TestServer server([&](const std::string&) { return answer("", "302 Found", "Location: /other\r\n"); });
  const HttpClient client({});
  EXPECT_EQ(client.request("GET", server.url(), {}, "").value().status, 302);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(HttpClientTest, body_beyond_the_limit_is_refused) {
  std::string reply = answer(std::string(1001, 'x'));
  TestServer server([&](const std::string&) { return reply; });
  HttpClient::Options o;
  o.max_body = 1000;
  const HttpClient client(o);
  const auto over = client.request("GET", server.url(), {}, "");
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, Errc::too_large);
  reply = "HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x');  // without announcing it
  const auto unannounced = client.request("GET", server.url(), {}, "");
  ASSERT_FALSE(unannounced.ok());
  EXPECT_EQ(unannounced.error().code, Errc::too_large);
  reply = answer(std::string(1000, 'x'));
  EXPECT_TRUE(client.request("GET", server.url(), {}, "").ok());
}

TEST_F(HttpClientTest, endless_header_is_refused) {
  TestServer server(
      [](const std::string&) { return "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n"; });
  const auto response = HttpClient({}).request("GET", server.url(), {}, "");
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, Errc::too_large);
}

TEST_F(HttpClientTest, silent_server_is_given_up_at_the_deadline) {
  TestServer server([](const std::string&) { return std::string(); });
  HttpClient::Options o;
  o.timeout_ms = 100;
  const auto start = std::chrono::steady_clock::now();
  expect_unavailable(HttpClient(o).request("GET", server.url(), {}, ""));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(95));
  EXPECT_LT(took, std::chrono::milliseconds(10'000));  // far below the 20 s of the server
}

TEST_F(HttpClientTest, refused_connection_truncated_and_malformed_answers_are_unavailable) {
  std::string url;
  {
    TestServer gone([](const std::string&) { return answer(""); });
    url = gone.url();
  }
  const HttpClient client({});
  expect_unavailable(client.request("GET", url, {}, ""));
  std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
  TestServer server([&](const std::string&) { return reply; });
  expect_unavailable(client.request("GET", server.url(), {}, ""));
  reply = "SSH-2.0-OpenSSH\r\n";
  expect_unavailable(client.request("GET", server.url(), {}, ""));
}

TEST_F(HttpClientTest, malformed_requests_are_refused_before_connecting) {
  TestServer server([](const std::string&) { return answer(""); });
  const HttpClient client({});
  const std::string port = server.port();
  for (const std::string& url :
       {std::string(), std::string("127.0.0.1"), std::string("ftp://127.0.0.1/"), std::string("http://"),
        std::string("http:///x"), "http://127.0.0.1:" + port + "/a b",
        "http://127.0.0.1:" + port + "/\r\nX: y", "http://user@127.0.0.1:" + port + "/",
        "http://127.0.0.1:" + port + "x/", std::string("http://127.0.0.1:/"), std::string("http://[::1"),
        "http://127.0.0.1:" + port + "/" + std::string(3000, 'x')}) {
    const auto response = client.request("GET", url, {}, "");
    ASSERT_FALSE(response.ok()) << url;
    EXPECT_EQ(response.error().code, Errc::invalid_argument) << url;
  }
  for (const auto& header : {std::pair<std::string, std::string>{"X", "a\r\nY: b"},
                             {"X", "a\n"},
                             {"X: y\r\nZ", "a"},
                             {"", "a"},
                             {"X Y", "a"},
                             {"X", std::string("a\0b", 3)}}) {
    EXPECT_EQ(client.request("GET", server.url(), {header}, "").error().code, Errc::invalid_argument);
  }
  EXPECT_EQ(client.request("GET /x HTTP/1.1\r\n", server.url(), {}, "").error().code, Errc::invalid_argument);
  EXPECT_EQ(client.request("", server.url(), {}, "").error().code, Errc::invalid_argument);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(HttpClientTest, tls_with_a_trusted_certificate_works_by_address_and_by_name) {
  const auto certificate = TestCertificate::make("DNS:localhost,IP:127.0.0.1");
  TestServer server([](const std::string&) { return answer("secret"); }, &certificate);
  const HttpClient client(trusting(certificate));
  const auto by_address = client.request("GET", server.url(), {}, "");
  ASSERT_TRUE(by_address.ok()) << by_address.error().detail;
  EXPECT_EQ(by_address->body, "secret");
  const auto by_name = client.request("GET", "https://localhost:" + server.port() + "/", {}, "");
  ASSERT_TRUE(by_name.ok()) << by_name.error().detail;
}

TEST_F(HttpClientTest, tls_with_an_unknown_certificate_is_refused) {
  const auto certificate = TestCertificate::make("DNS:localhost,IP:127.0.0.1");
  const auto other = TestCertificate::make("DNS:localhost,IP:127.0.0.1");
  TestServer server([](const std::string&) { return answer("secret"); }, &certificate);
  expect_unavailable(HttpClient({}).request("GET", server.url(), {}, ""));
  expect_unavailable(HttpClient(trusting(other)).request("GET", server.url(), {}, ""));
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(HttpClientTest, tls_with_a_certificate_for_another_name_is_refused) {
  const auto certificate = TestCertificate::make("DNS:other.example,IP:127.0.0.2");
  TestServer server([](const std::string&) { return answer("secret"); }, &certificate);
  const HttpClient client(trusting(certificate));
  expect_unavailable(client.request("GET", server.url(), {}, ""));
  expect_unavailable(client.request("GET", "https://localhost:" + server.port() + "/", {}, ""));
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(HttpClientTest, tls_answer_cut_off_without_a_close_notify_is_refused) {
  const auto certificate = TestCertificate::make("IP:127.0.0.1");
  TestServer server([](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\nhalf of it"; }, &certificate);
  expect_unavailable(HttpClient(trusting(certificate)).request("GET", server.url(), {}, ""));
}

TEST_F(HttpClientTest, plain_text_from_a_tls_port_is_unavailable) {
  TestServer server([](const std::string&) { return answer(""); });
  HttpClient::Options o;
  o.timeout_ms = 200;
  expect_unavailable(HttpClient(o).request("GET", "https://127.0.0.1:" + server.port() + "/", {}, ""));
}

TEST_F(HttpClientTest, missing_trust_anchors_refuse_to_start) {
  HttpClient::Options o;
  o.ca_file = dir_.file("missing.pem");
  EXPECT_THROW(HttpClient{o}, std::runtime_error);
}

TEST_F(HttpClientTest, fetch_for_oidc_takes_only_200) {
  std::string reply = answer("{}");
  TestServer server([&](const std::string&) { return reply; });
  const auto fetch = auth::http_fetch(std::make_shared<const HttpClient>(HttpClient::Options{}));
  EXPECT_EQ(fetch(server.url()).value(), "{}");
  for (const char* status : {"204 No Content", "302 Found", "404 Not Found", "500 Internal Server Error"}) {
    reply = "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 0\r\n\r\n";
    EXPECT_FALSE(fetch(server.url()).ok()) << status;
  }
}

}  // namespace
}  // namespace godwit
