#include "net/http.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace godwit::net {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

struct Reason {
  int status;
  std::string_view text;
};
constexpr std::array kReasons = {
    Reason{100, "Continue"},
    Reason{101, "Switching Protocols"},
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{204, "No Content"},
    Reason{206, "Partial Content"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{303, "See Other"},
    Reason{304, "Not Modified"},
    Reason{307, "Temporary Redirect"},
    Reason{308, "Permanent Redirect"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{410, "Gone"},
    Reason{411, "Length Required"},
    Reason{412, "Precondition Failed"},
    Reason{413, "Content Too Large"},
    Reason{415, "Unsupported Media Type"},
    Reason{416, "Range Not Satisfiable"},
    Reason{422, "Unprocessable Content"},
    Reason{426, "Upgrade Required"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{460, "Checksum Mismatch"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{502, "Bad Gateway"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
    Reason{507, "Insufficient Storage"},
};

void append_number(std::string& out, std::size_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

// IMF-fixdate (RFC 9110, section 5.6.7); not by strftime, which follows the locale.
void append_date(std::string& out) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm tm{};
  gmtime_r(&now, &tm);
  const auto two_digits = [&](int value, char after) {
    out.push_back(static_cast<char>('0' + value / 10));
    out.push_back(static_cast<char>('0' + value % 10));
    out.push_back(after);
  };
  out.append(kDays[static_cast<std::size_t>(tm.tm_wday)]).append(", ");
  two_digits(tm.tm_mday, ' ');
  out.append(kMonths[static_cast<std::size_t>(tm.tm_mon)]).push_back(' ');
  append_number(out, static_cast<std::size_t>(tm.tm_year + 1900));
  out.push_back(' ');
  two_digits(tm.tm_hour, ':');
  two_digits(tm.tm_min, ':');
  two_digits(tm.tm_sec, ' ');
  out.append("GMT");
}

bool is_clean(std::string_view text) {
  return text.find_first_of("\r\n\0", 0, 3) == std::string_view::npos;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (is_clean(name) && is_clean(value)) out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool list_has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (equal_ignoring_case(item, token)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

bool HttpRequest::has_header(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& field) { return equal_ignoring_case(field.first, name); });
}

std::string HttpRequest::joined_header(std::string_view name) const {
  std::string list;
  for (const auto& [key, value] : headers) {
    if (!equal_ignoring_case(key, name)) continue;
    if (!list.empty()) list.append(", ");
    list.append(value);
  }
  return list;
}

std::optional<std::string> HttpRequest::query_parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    const auto equals = pair.find('=');
    if (percent_decode(pair.substr(0, equals)) == name) {
      return equals == std::string_view::npos ? std::string() : percent_decode(pair.substr(equals + 1));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

void HttpRoutes::add(std::string method, std::string path, HttpHandler handler) {
  const bool prefix = path.ends_with("/*");
  if (prefix) path.pop_back();
  (prefix ? prefixes_ : exact_)[std::move(path)][std::move(method)] = std::move(handler);
}

const HttpRoutes::Methods* HttpRoutes::find_path(std::string_view path) const {
  if (const auto it = exact_.find(path); it != exact_.end()) return &it->second;
  for (auto slash = path.rfind('/'); slash != std::string_view::npos;) {
    if (const auto it = prefixes_.find(path.substr(0, slash + 1)); it != prefixes_.end()) return &it->second;
    if (slash == 0) break;
    slash = path.rfind('/', slash - 1);
  }
  return nullptr;
}

HttpRoutes::Match HttpRoutes::find(std::string_view method, std::string_view path) const {
  const Methods* const methods = find_path(path);
  if (methods == nullptr) return {};
  auto it = methods->find(method);
  if (it == methods->end() && method == "HEAD") it = methods->find("GET");
  if (it != methods->end()) return {&it->second, {}};
  Match match;
  for (const auto& [name, handler] : *methods) {
    match.allow.append(match.allow.empty() ? "" : ", ").append(name);
    if (name == "GET") match.allow.append(", HEAD");
  }
  return match;
}

std::string_view http_reason(int status) {
  const auto it =
      std::find_if(kReasons.begin(), kReasons.end(), [&](const Reason& r) { return r.status == status; });
  return it == kReasons.end() ? "Unknown" : it->text;
}

HttpResponse http_error(int status, std::string_view detail) {
  HttpResponse response;
  response.status = status;
  response.body = std::to_string(status) + " " + std::string(http_reason(status));
  if (!detail.empty()) response.body.append(": ").append(detail);
  response.body.push_back('\n');
  return response;
}

void append_http_response(std::string& out, const HttpResponse& response, const HttpResponseStyle& style) {
  const auto own = [&](std::string_view name) {
    return std::any_of(response.headers.begin(), response.headers.end(),
                       [&](const auto& field) { return equal_ignoring_case(field.first, name); });
  };
  const bool bodiless = response.status == 204 || response.status == 304;
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(std::clamp(response.status, 100, 999)));
  out.append(" ").append(http_reason(response.status)).append("\r\nDate: ");
  append_date(out);
  out.append("\r\n");
  if (!bodiless) {
    if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
    out.append("Content-Length: ");
    append_number(out, response.body.size());
    out.append("\r\n");
  }
  if (!style.keep_alive) out.append("Connection: close\r\n");
  for (const auto& [name, value] : response.headers) append_field(out, name, value);
  if (!own("Cache-Control")) out.append("Cache-Control: no-store\r\n");
  if (!own("X-Content-Type-Options")) out.append("X-Content-Type-Options: nosniff\r\n");
  if (!own("Referrer-Policy")) out.append("Referrer-Policy: no-referrer\r\n");
  if (!own("X-Frame-Options")) out.append("X-Frame-Options: DENY\r\n");
  if (!own("Content-Security-Policy")) {
    out.append("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
  }
  if (style.secure && !own("Strict-Transport-Security")) {
    out.append("Strict-Transport-Security: max-age=31536000\r\n");
  }
  out.append("\r\n");
  if (!style.head && !bodiless) out.append(response.body);
}

}  // namespace godwit::net
