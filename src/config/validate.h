// Checks of a whole Config: each value by its option, then the combinations.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/config.h"

namespace godwit::config {

// As godwit::validate, but silent about the options in `faulty` ("section.name") and about every combination
// that one of them takes part in: their faults are known, and what follows from them is noise.
std::vector<std::string> validate_except(const Config& config, std::set<std::string> faulty);

// A combination that makes no sense, and the options whose change would mend it.
struct Contradiction {
  std::vector<std::string> keys;
  std::string sentence;
};
// Precondition: every value is within its option's bounds.
std::vector<Contradiction> find_contradictions(const Config& config);

}  // namespace godwit::config
