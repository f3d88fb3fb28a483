#include "auth/base64url.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

TEST(Base64url, rfc4648_vectors_without_padding_round_trip) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64url_encode(bytes), text);
    EXPECT_EQ(base64url_decode(text), bytes);
  }
}

TEST(Base64url, every_byte_value_round_trips) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  const std::string text = base64url_encode(bytes);
  EXPECT_NE(text.find('-'), std::string::npos);
  EXPECT_NE(text.find('_'), std::string::npos);
  EXPECT_EQ(base64url_decode(text), bytes);
}

TEST(Base64url, other_spellings_are_refused) {
  for (const char* text :
       {"Zg==", "Zg=", "Z", "Zm9vY", "Zm9 v", "Zm9v\n", "+/+/", "Zm9v.", "\xC3\xA9\xC3\xA9"}) {
    EXPECT_FALSE(base64url_decode(text)) << text;
  }
}

TEST(Base64url, stray_bits_in_the_last_character_are_refused) {
  EXPECT_EQ(base64url_decode("Zg"), "f");
  EXPECT_FALSE(base64url_decode("Zh"));
  EXPECT_EQ(base64url_decode("Zm8"), "fo");
  EXPECT_FALSE(base64url_decode("Zm9"));
}

}  // namespace
}  // namespace godwit::auth
