// UTF-8 validation (RFC 3629), in pieces: a message may be cut anywhere, also within a character.
#pragma once

#include <cstdint>
#include <string_view>

namespace godwit::net {

class Utf8Validator {
 public:
  // False as soon as the bytes so far cannot be the beginning of valid UTF-8; the validator is spent then.
  bool feed(std::string_view bytes);
  // Whether no character is left unfinished.
  bool complete() const { return missing_ == 0; }

 private:
  std::uint8_t missing_ = 0;  // continuation bytes still owed
  std::uint8_t low_ = 0x80;   // bounds of the next one: they exclude overlong forms and surrogates
  std::uint8_t high_ = 0xBF;
};

bool is_utf8(std::string_view bytes);

}  // namespace godwit::net
