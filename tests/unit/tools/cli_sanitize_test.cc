#include "tools/cli/sanitize.h"

#include <gtest/gtest.h>

namespace godwit::cli {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

TEST(sanitize, plain_text_in_any_script_passes_unchanged) {
  const std::string text = "Grüße, 世界 👩‍👩‍👧 – ok";
  EXPECT_EQ(sanitize(text), text);
}

TEST(sanitize, escape_sequences_lose_their_introducer) {
  EXPECT_EQ(sanitize("\x1b]0;title\x07"), kBad + "]0;title" + kBad);
  EXPECT_EQ(sanitize("\x1b[2J"), kBad + "[2J");
}

TEST(sanitize, c1_controls_are_replaced_in_both_spellings) {
  EXPECT_EQ(sanitize("\xC2\x9B"
                     "31m"),
            kBad + "31m");  // CSI as UTF-8
  EXPECT_EQ(sanitize("\x9B"
                     "31m"),
            kBad + "31m");  // CSI as a bare byte
}

TEST(sanitize, every_control_character_is_replaced) {
  for (int c = 0; c < 0x20; ++c) {
    if (c == '\n' || c == '\t') continue;
    EXPECT_EQ(sanitize(std::string(1, static_cast<char>(c))), kBad) << c;
  }
  EXPECT_EQ(sanitize("\x7F"), kBad);
}

TEST(sanitize, newline_is_an_arrow_unless_it_is_to_be_kept) {
  EXPECT_EQ(sanitize("a\nb"),
            "a\xE2\x86\xB5"
            "b");
  EXPECT_EQ(sanitize("a\nb", Newlines::keep), "a\nb");
  EXPECT_EQ(sanitize("a\r\nb", Newlines::keep), "a" + kBad + "\nb");
  EXPECT_EQ(sanitize("a\tb"), "a b");
}

TEST(sanitize, characters_that_reorder_or_hide_text_are_replaced) {
  for (const char* mark :
       {"\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x80\x8F", "\xE2\x80\xA8", "\xEF\xBB\xBF", "\xF3\xA0\x81\x81"}) {
    EXPECT_EQ(sanitize(std::string("a") + mark + "b"), "a" + kBad + "b");
  }
}

TEST(sanitize, bytes_that_are_not_utf8_are_replaced_one_by_one) {
  EXPECT_EQ(sanitize("\xC0\x80"), kBad + kBad);                        // overlong
  EXPECT_EQ(sanitize("\xE0\x80\x9B"), kBad + kBad + kBad);             // overlong three bytes
  EXPECT_EQ(sanitize("\xED\xA0\x80"), kBad + kBad + kBad);             // surrogate
  EXPECT_EQ(sanitize("\xF4\x90\x80\x80"), kBad + kBad + kBad + kBad);  // beyond U+10FFFF
  EXPECT_EQ(sanitize("\xE4\xB8"), kBad + kBad);                        // cut off
  EXPECT_EQ(sanitize("\xE4\xB8"
                     "a"),
            kBad + kBad + "a");
  EXPECT_EQ(sanitize("\xFF"), kBad);
}

}  // namespace
}  // namespace godwit::cli
