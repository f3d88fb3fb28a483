// Fuzzes what strangers can put before the token verifier. The first byte picks the reader, the rest is its
// input: a token as it comes off the wire, a signed token's header and payload, a payload alone, a key set,
// base64url.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/base64url.h"
#include "base/ed25519_key.h"
#include "auth/jwt.h"
#include "auth/key_set.h"

namespace {

using namespace godwit;
using namespace godwit::auth;

constexpr std::int64_t kNow = 1'700'000'000;

struct Fixture {
  Ed25519Key key = Ed25519Key::from_seed(std::string(kEd25519SeedBytes, 's'));
  VerifyKey verify_key = VerifyKey::ed25519("k", key.public_key).value();
  TokenPolicy embedded{"godwit", "godwit", kDefaultLeewayS, false, {}};
  TokenPolicy external{"godwit", "godwit", kDefaultLeewayS, true, "preferred_username"};
};

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const Fixture& f, const Result<Claims>& result, bool external) {
  if (!result) {
    require(result.error().code == Errc::token_invalid || result.error().code == Errc::token_expired);
    return;
  }
  require(result->issuer == "godwit" && result->external == external);
  require(result->expires_s > kNow - kDefaultLeewayS && result->not_before_s <= kNow + kDefaultLeewayS);
  if (external) {
    require(!result->handle.empty());
  } else {
    require(result->user && result->device && result->device_key.size() == kEd25519KeyBytes);
  }
  is_bound_to(*result, f.key.public_key);
}

void verify(const Fixture& f, const std::string& token) {
  const auto parts = split_token(token);
  if (!parts) {
    require(parts.error().code == Errc::token_invalid);
    return;
  }
  check(f, verify_token(*parts, f.verify_key, f.embedded, kNow), false);
  check(f, verify_token(*parts, f.verify_key, f.external, kNow), true);
}

// Signs "header \n payload", so that the fuzzer gets past the signature.
void verify_signed(const Fixture& f, std::string_view input) {
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string header(input.substr(0, line));
  const std::string payload(line < input.size() ? input.substr(line + 1) : std::string_view());
  const std::string to_sign = base64url_encode(header) + "." + base64url_encode(payload);
  verify(f, to_sign + "." + base64url_encode(f.key.sign(to_sign)));
}

void read_key_set(std::string_view input) {
  const auto set = KeySet::parse(input);
  if (!set) return;
  require(set->size() <= KeySet::kMaxKeys);
  const auto again = KeySet::parse(set->to_json());
  require(again.ok() && again->size() == set->size());
}

void read_base64url(std::string_view input) {
  if (const auto bytes = base64url_decode(input)) require(base64url_encode(*bytes) == input);
  require(base64url_decode(base64url_encode(input)) == input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Fixture fixture;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      verify(fixture, std::string(input));
      break;
    case 1:
      verify_signed(fixture, input);
      break;
    case 2:
      check(fixture, check_claims(input, fixture.embedded, kNow), false);
      check(fixture, check_claims(input, fixture.external, kNow), true);
      break;
    case 3:
      read_key_set(input);
      break;
    default:
      read_base64url(input);
      break;
  }
  return 0;
}
