// One HTTP request out of bytes. Boost.Beast's parser behind a wall, so that one file compiles it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "net/http.h"

namespace godwit::net {

class HttpParser {
 public:
  HttpParser(std::uint32_t max_header_bytes, std::uint32_t max_body_bytes);
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  struct Outcome {
    enum class Status : std::uint8_t { need_more, complete, failed };
    Status status = Status::need_more;
    std::size_t consumed = 0;  // need_more: the rest must be presented again, with more behind it
    int http_status = 0;       // failed: 400, 413 or 431
  };
  Outcome feed(std::string_view bytes);

  // Whether a byte of a request has been consumed.
  bool started() const { return started_; }
  // True once, when the header asks for "100 Continue" before the body is sent.
  bool take_expect_continue();

  // After `complete`.
  bool keep_alive() const;
  HttpRequest take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  bool started_ = false;
  bool expect_answered_ = false;
};

}  // namespace godwit::net
