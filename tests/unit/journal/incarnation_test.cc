#include "journal/incarnation.h"

#include <filesystem>

#include "journal_fixture.h"

namespace godwit {
namespace {

class IncarnationTest : public JournalFixture {
 protected:
  std::uint64_t incarnation() {
    recover();
    return journal_->incarnation();
  }
};

TEST_F(IncarnationTest, stays_with_the_directory_and_is_another_in_another) {
  const std::uint64_t first = incarnation();
  EXPECT_NE(first, 0U);
  EXPECT_EQ(incarnation(), first);
  close();
  std::filesystem::rename(options_.directory, options_.directory + ".old");
  const std::uint64_t second = incarnation();
  EXPECT_NE(second, 0U);
  EXPECT_NE(second, first);
  close();
  std::filesystem::remove(options_.directory + "/incarnation");
  EXPECT_NE(incarnation(), second);
}

TEST_F(IncarnationTest, damaged_file_is_refused_with_a_sentence) {
  incarnation();
  close();
  for (const char* text : {"", "0\n", "12x\n", "-1", "99999999999999999999999\n"}) {
    std::ofstream(options_.directory + "/incarnation") << text;
    EXPECT_NE(recover_error().find("incarnation: it is no number"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace godwit
