// The few outgoing HTTP calls of the daemon: an issuer's keys, the verification webhook.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "godwit/result.h"

namespace godwit {

struct HttpResponse {
  int status = 0;
  std::string content_type;
  std::string body;
};

// Makes one blocking HTTP/1.1 call at a time per calling thread; never call it from a worker. Each call is
// one connection, resolved anew. https means TLS 1.2 or later with the chain and the host name (or address)
// checked. No redirects, no proxies, no cookies. Usable from several threads at once.
class HttpClient {
 public:
  struct Options {
    // For the whole call from connecting to the last byte. Name resolution counts against it as well, but a
    // resolver that does not answer can hold the caller until its own time-out, which is the C library's.
    std::int64_t timeout_ms = 5000;
    std::size_t max_body = std::size_t{1024} * 1024;  // bytes of the answer
    std::string ca_file;  // PEM, the only trust anchors; empty: those of the system
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // Throws std::runtime_error when ca_file cannot be read.
  explicit HttpClient(Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is a success here; the caller judges it. Host, Content-Length, Connection and User-Agent are
  // set by the client. The detail of an error names the host at most, never a path or a header. Errors:
  // invalid_argument (method, URL, or a header that could split the request), too_large (the answer),
  // delivery_unavailable (resolution, connection, TLS, time-out, malformed answer).
  Result<HttpResponse> request(std::string_view method, std::string_view url, const Headers& headers,
                               std::string_view body) const;

 private:
  struct Impl;
  const std::unique_ptr<const Impl> impl_;
};

}  // namespace godwit
