// HTTP requests, responses and routes, as handlers see them (RFC 9110, 9112).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // "/v1/users", as sent, without the query
  std::string query;   // "a=1&b=2", as sent
  int minor_version = 1;
  HttpHeaders headers;  // in the order received
  std::string body;
  std::string remote_address;  // the client's, after PROXY protocol and trusted headers
  bool secure = false;         // TLS, ours or (by a trusted proxy's word) in front of us

  // The first field of that name, whatever its case; empty when there is none.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
  // All fields of that name as one list, joined by ", " (RFC 9110, section 5.3).
  std::string joined_header(std::string_view name) const;
  // Percent-decoded value of the first such parameter of the query.
  std::optional<std::string> query_parameter(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  HttpHeaders headers;  // beyond Content-Type, Content-Length, Date, Connection and the security headers
};

// Answers a request, once; from any thread, also after the connection has gone. When the last copy is
// destroyed unused, the client gets a 500.
using HttpReply = std::function<void(HttpResponse)>;

// Runs on a worker, which it must not block. An exception out of it is a 500.
using HttpHandler = std::function<void(HttpRequest, HttpReply)>;

// Method and path to handler. Filled at start-up, constant afterwards.
class HttpRoutes {
 public:
  // `path` is exact, or a prefix if it ends in "/*" ("/admin/*" matches what is below "/admin/"). Exact paths
  // win over prefixes and longer prefixes over shorter. A HEAD is answered by the GET route.
  void add(std::string method, std::string path, HttpHandler handler);

  struct Match {
    const HttpHandler* handler = nullptr;
    // With no handler: the methods that the path has ("GET, HEAD"), or empty when the path is unknown.
    std::string allow;
  };
  Match find(std::string_view method, std::string_view path) const;

 private:
  using Methods = std::map<std::string, HttpHandler, std::less<>>;
  const Methods* find_path(std::string_view path) const;

  std::map<std::string, Methods, std::less<>> exact_;
  std::map<std::string, Methods, std::less<>> prefixes_;  // without the '*'
};

// A small text response for a fault, "404 Not Found\n" with `detail` behind it.
HttpResponse http_error(int status, std::string_view detail = {});
std::string_view http_reason(int status);

struct HttpResponseStyle {
  bool head = false;  // a HEAD: all but the body
  bool keep_alive = true;
  bool secure = false;  // adds Strict-Transport-Security
};
// Appends the response as sent, with Date and headers that keep browsers from guessing, framing and leaking.
// Header fields that contain a line break are left out.
void append_http_response(std::string& out, const HttpResponse& response, const HttpResponseStyle& style);

// Whether a comma-separated list has `token`, whatever its case.
bool list_has_token(std::string_view list, std::string_view token);
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace godwit::net
