#include "tools/cli/sanitize.h"

#include <cstdint>

namespace godwit::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kReturnArrow = "\xE2\x86\xB5";  // U+21B5

struct Decoded {
  std::uint32_t code = 0;
  std::size_t length = 0;  // 0: the first byte does not begin a character
};

std::uint32_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// One character by the well-formed sequences of Unicode, table 3-7: no overlong forms, no surrogates.
Decoded decode(std::string_view text) {
  const std::uint32_t lead = byte_at(text, 0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  std::uint32_t code = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(text, i) & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte_at(text, i) & 0x3F);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return {};
  return {code, length};
}

bool is_harmful(std::uint32_t code) {
  const auto within = [code](std::uint32_t first, std::uint32_t last) {
    return code >= first && code <= last;
  };
  return code < 0x20 || within(0x7F, 0x9F) ||         // C0, DEL, C1
         within(0x200E, 0x200F) || code == 0x061C ||  // direction marks
         within(0x2028, 0x202E) ||                    // separators, embeddings and overrides
         within(0x2066, 0x206F) ||                    // isolates, deprecated format characters
         within(0xFFF9, 0xFFFB) || code == 0xFEFF ||  // interlinear annotation, byte order mark
         within(0xE0000, 0xE007F);                    // tags
}

}  // namespace

std::string sanitize(std::string_view text, Newlines newlines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded c = decode(text);
    if (c.length == 0) {
      out += kReplacement;
      text.remove_prefix(1);
      continue;
    }
    if (c.code == '\t') {
      out += ' ';
    } else if (c.code == '\n') {
      out += newlines == Newlines::keep ? std::string_view("\n") : kReturnArrow;
    } else if (is_harmful(c.code)) {
      out += kReplacement;
    } else {
      out += text.substr(0, c.length);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

}  // namespace godwit::cli
