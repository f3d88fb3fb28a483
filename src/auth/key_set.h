// A JSON Web Key Set (RFC 7517): the public keys of an issuer, by key id.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "auth/verify_key.h"
#include "godwit/result.h"

namespace godwit::auth {

// Immutable once built and shared as a snapshot between threads.
class KeySet {
 public:
  static constexpr std::size_t kMaxKeys = 64;
  static constexpr std::size_t kMaxJsonBytes = std::size_t{256} * 1024;

  // Reads a set from an issuer. Keys that are of no use here are skipped, as RFC 7517 section 5 asks: other
  // types and curves, a `use` other than "sig", a `key_ops` without "verify", an `alg` that is not the one of
  // the key's type, no `kid`, bad parameters. Of two keys with one id the first counts. Private parameters
  // are not read. Errors: too_large beyond kMaxKeys or kMaxJsonBytes, invalid_argument when it is not a key
  // set at all.
  static Result<KeySet> parse(std::string_view json);

  // False when the id is taken or the set is full.
  bool add(VerifyKey key);
  // Null when there is no such key. Lives as long as the set.
  const VerifyKey* find(std::string_view kid) const;
  std::size_t size() const { return keys_.size(); }
  bool empty() const { return keys_.empty(); }

  // {"keys":[...]}, public members only.
  std::string to_json() const;

 private:
  std::map<std::string, VerifyKey, std::less<>> keys_;
};

}  // namespace godwit::auth
