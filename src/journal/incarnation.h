// A number for a life of the data: another one, when it may have gone back.
#pragma once

#include <cstdint>
#include <string>

namespace godwit {

// The one in the file `incarnation` of the journal's directory; a random one is made where there is none: in a new
// directory, and in one that was put aside for a backup of the store. Never 0. Throws std::runtime_error with a sentence.
std::uint64_t load_incarnation(const std::string& directory);

}  // namespace godwit
