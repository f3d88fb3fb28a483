// Fuzzes the reader of MLS key packages, which sees what any device sends: whatever it accepts is within the bytes it was
// given, and every byte of those is signed, a signature, or the length of one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "keys/mls_key_package.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace godwit;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto package = parse_key_package(input);
  if (!package) {
    require(package.error().code == Errc::key_invalid || package.error().code == Errc::too_large);
    return 0;
  }
  const auto within = [](std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
  };
  require(within(package->leaf_tbs, package->package_tbs) && within(package->signature_key, package->leaf_tbs));
  require(within(package->identity, package->leaf_tbs) && within(package->init_key, package->package_tbs));
  require(package->package_tbs.data() == input.data());
  require(package->signature.data() + package->signature.size() == input.data() + input.size());
  verify_key_package(*package);
  return 0;
}
