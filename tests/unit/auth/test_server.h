// A web server on loopback for the tests of HttpClient: one connection at a time, canned answers, plain or
// TLS.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace godwit {

// A self-signed certificate and its key, in PEM, for the names of `san` ("DNS:localhost,IP:127.0.0.1").
struct TestCertificate {
  std::string certificate;
  std::string key;
  static TestCertificate make(const std::string& san);
};

class TestServer {
 public:
  // Given the bytes of a request, the bytes to answer with; empty: hold the connection open and say nothing.
  using Handler = std::function<std::string(const std::string& request)>;

  explicit TestServer(Handler handler, const TestCertificate* certificate = nullptr);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string port() const { return std::to_string(port_); }
  std::string url(const std::string& path = "/") const {
    return std::string(tls_ ? "https" : "http") + "://127.0.0.1:" + port() + path;
  }
  int requests() const { return requests_.load(); }

 private:
  void run();
  void serve(int fd);

  Handler handler_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> requests_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace godwit
