// "Did you mean": the nearest of the known names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace godwit::config {

// The candidate with the fewest insertions, deletions and replacements away from `word`, if these are few for
// its length.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

// " (did you mean X?)" for an option "section.name" that does not exist, or nothing. A right name in a wrong
// section is found too.
std::string suggest_option(std::string_view section, std::string_view name);
// The same for a section.
std::string suggest_section(std::string_view name);

}  // namespace godwit::config
