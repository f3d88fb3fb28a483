#include "net/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace godwit::net {

namespace beast_http = boost::beast::http;

struct HttpParser::Impl {
  beast_http::request_parser<beast_http::string_body> parser;
};

namespace {

int status_of(const boost::system::error_code& error) {
  if (error == beast_http::error::header_limit) return 431;
  if (error == beast_http::error::body_limit) return 413;
  return 400;
}

}  // namespace

HttpParser::HttpParser(std::uint32_t max_header_bytes, std::uint32_t max_body_bytes)
    : impl_(std::make_unique<Impl>()) {
  impl_->parser.header_limit(max_header_bytes);
  impl_->parser.body_limit(max_body_bytes);
  impl_->parser.eager(true);
}

HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

HttpParser::Outcome HttpParser::feed(std::string_view bytes) {
  Outcome outcome;
  while (outcome.consumed < bytes.size() && !impl_->parser.is_done()) {
    const std::string_view rest = bytes.substr(outcome.consumed);
    boost::system::error_code error;
    const std::size_t used = impl_->parser.put(boost::asio::buffer(rest), error);
    outcome.consumed += used;
    started_ = true;
    if (error == beast_http::error::need_more) break;
    if (error) {
      outcome.status = Outcome::Status::failed;
      outcome.http_status = status_of(error);
      return outcome;
    }
    if (used == 0) break;
  }
  if (!impl_->parser.is_done()) return outcome;
  const unsigned version = impl_->parser.get().version();
  outcome.status = version == 10 || version == 11 ? Outcome::Status::complete : Outcome::Status::failed;
  outcome.http_status = 400;
  return outcome;
}

bool HttpParser::take_expect_continue() {
  if (expect_answered_ || !impl_->parser.is_header_done() || impl_->parser.is_done()) return false;
  expect_answered_ = true;
  return equal_ignoring_case(std::string_view(impl_->parser.get()[beast_http::field::expect]),
                             "100-continue");
}

bool HttpParser::keep_alive() const {
  return impl_->parser.keep_alive();
}

HttpRequest HttpParser::take() {
  auto message = impl_->parser.release();
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string_view target(message.target());
  const auto question = target.find('?');
  request.path = std::string(target.substr(0, question));
  if (question != std::string_view::npos) request.query = std::string(target.substr(question + 1));
  request.minor_version = static_cast<int>(message.version() % 10);
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

}  // namespace godwit::net
