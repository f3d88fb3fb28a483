#include "journal/incarnation.h"

#include <charconv>
#include <stdexcept>
#include <string_view>

#include "base/log.h"
#include "base/random.h"
#include "base/secret_file.h"

namespace godwit {

std::uint64_t load_incarnation(const std::string& directory) {
  const std::string path = directory + "/incarnation";
  const auto file = read_secret_file(path);
  if (!file) throw std::runtime_error(file.error().detail);
  std::uint64_t number = 0;
  if (!file->exists) {
    number = random_u64() | 1;
    if (const Status written = write_secret_file(path, std::to_string(number) + "\n"); !written) {
      throw std::runtime_error(written.error().detail);
    }
    log_info("journal_begun", {{"incarnation", number}});
    return number;
  }
  std::string_view digits = file->content;
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == 0) {
    throw std::runtime_error(path + ": it is no number; delete it, and clients compare what they have with the server");
  }
  return number;
}

}  // namespace godwit
