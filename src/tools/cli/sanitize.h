// Keeps what others wrote from driving the terminal.
#pragma once

#include <string>
#include <string_view>

namespace godwit::cli {

enum class Newlines : bool { replace, keep };

// `text` as it may be shown: valid UTF-8 without control characters. C0 (ESC among them), DEL, C1, the
// line and paragraph separators, the characters that reorder or hide text (bidirectional controls, tags,
// byte order mark) and every byte that is not UTF-8 become U+FFFD; a tab becomes a space. A newline is kept,
// or shown as U+21B5.
std::string sanitize(std::string_view text, Newlines newlines = Newlines::replace);

}  // namespace godwit::cli
