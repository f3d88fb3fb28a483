// The signing keys of the embedded issuer: one that signs, and the public halves of its predecessors for as
// long as tokens signed by them may live. Internal to the issuer; knows the rotation rules and the file
// format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ed25519_key.h"
#include "godwit/result.h"

namespace godwit::auth {

// A key that signs no longer. Its secret half is gone.
struct RetiredKey {
  std::string kid;
  std::string public_key;           // 32 bytes
  std::int64_t verify_until_s = 0;  // from then on nothing it signed can still be valid
};

// A value: rotation makes a new ring, so that a ring in use never changes.
struct KeyRing {
  // More rotations than this within one token life happen only when the clock jumps; the oldest go then.
  static constexpr std::size_t kMaxRetired = 8;

  std::string kid;
  std::shared_ptr<const Ed25519Key> key;
  std::int64_t created_s = 0;
  std::vector<RetiredKey> retired;  // oldest first

  // A new signing key, with the start of its RFC 7638 thumbprint as id.
  static KeyRing create(std::int64_t now_s);

  // The key is older than `rotate_after_s`, or seems to come from as far in the future: the clock was wrong
  // then.
  bool is_due(std::int64_t now_s, std::int64_t rotate_after_s) const;
  // A ring with a new key, in which this one's key is retired until `verify_until_s`.
  KeyRing rotated(std::int64_t now_s, std::int64_t verify_until_s) const;
  // Without the retired keys whose time is over.
  KeyRing pruned(std::int64_t now_s) const;

  // The file: {"version":1,"created_s":n,"key":{JWK of RFC 8037 with
  // "d"},"retired":[{JWK,"verify_until_s":n}...]}. `render` gives secret text: the caller wipes it.
  std::string render() const;
  // Error internal when it is not such a file, or of a newer version.
  static Result<KeyRing> parse(std::string_view text);
};

}  // namespace godwit::auth
