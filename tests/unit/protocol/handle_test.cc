#include "protocol/handle.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(Handle, User_names_are_lower_cased) {
  EXPECT_EQ(canonical_handle("Ann.Lee_2-x"), "ann.lee_2-x");
  EXPECT_EQ(canonical_handle("abc"), "abc");
  EXPECT_EQ(canonical_handle(std::string(32, 'a')), std::string(32, 'a'));
}

TEST(Handle, Numbers_are_E164) {
  EXPECT_EQ(canonical_handle("+4915112345678"), "+4915112345678");
  EXPECT_EQ(canonical_handle("+1234567"), "+1234567");
  for (const char* bad : {"+123456", "+0123456789", "+1234567890123456", "+12345x78", "+"}) {
    EXPECT_FALSE(canonical_handle(bad)) << bad;
  }
}

TEST(Handle, Anything_else_is_refused) {
  for (const std::string& bad : {std::string("ab"), std::string(33, 'a'), std::string(".abc"), std::string("a b c"),
                                 std::string("änn"), std::string("a/../b"), std::string("abc\n"), std::string()}) {
    EXPECT_FALSE(canonical_handle(bad)) << bad;
  }
}

}  // namespace
}  // namespace godwit
