#include "config/suggest.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "config/option.h"

namespace godwit::config {
namespace {

// Nothing longer is anyone's typing error; it bounds the work on a hostile file.
constexpr std::size_t kMaxWord = 64;

// Levenshtein distance, one row at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string ask(const std::optional<std::string>& name) {
  return name ? " (did you mean " + *name + "?)" : "";
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > kMaxWord) return std::nullopt;
  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::optional<std::string> found;
  for (const std::string& candidate : candidates) {
    const std::size_t edits = distance(word, candidate);
    // A word replaced as a whole is not a misspelling of anything.
    if (edits < best && edits < candidate.size()) {
      best = edits;
      found = candidate;
    }
  }
  return found;
}

std::string suggest_option(std::string_view section, std::string_view name) {
  std::vector<std::string> names;
  for (const Option& option : options()) {
    if (option.name == name) return ask(option.key());
    if (option.section == section) names.emplace_back(option.name);
  }
  const auto found = nearest(name, names);
  return found ? ask(std::string(section) + "." + *found) : "";
}

std::string suggest_section(std::string_view name) {
  std::vector<std::string> names;
  for (const Section& section : sections()) names.emplace_back(section.name);
  return ask(nearest(name, names));
}

}  // namespace godwit::config
