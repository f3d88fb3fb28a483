// What published keys are checked for: that they are what they say, that they are public, that the device signed them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "godwit.pb.h"
#include "godwit/ids.h"
#include "godwit/result.h"
#include "keys/mls_key_package.h"

namespace godwit {

inline constexpr int kMaxPublishedPrekeys = 200;
inline constexpr int kMaxPublishedPqPrekeys = 100;
inline constexpr int kMaxPublishedPackages = 200;

// Whose keys they are said to be.
struct KeyOwnerName {
  UserId user;
  DeviceId device;
};

// That there are no more than may be in a request. too_large.
Status check_counts(const v1::PublishKeys& keys);

// All else that needs no signature check: sizes, encodings, lifetimes. Returns the key packages, whose views are into
// `keys`. key_invalid, too_large, invalid_argument. A few microseconds a key.
Result<std::vector<MlsKeyPackage>> check_published(const v1::PublishKeys& keys, KeyOwnerName owner, std::int64_t now_ms);

// The signatures, and that no key is the private half of another or of `device_key`. Holds references to all it is
// given; `packages` is what check_published() returned, `identity_key` that of the request, else the device's present
// one. Thread safe.
class KeyVerifier {
 public:
  KeyVerifier(const v1::PublishKeys& keys, const std::vector<MlsKeyPackage>& packages, KeyOwnerName owner,
              const std::string& device_key, const std::string& identity_key);

  // How many checks there are, of about 100 microseconds each: not for a worker.
  std::size_t size() const;
  // key_invalid.
  Status verify(std::size_t check) const;

 private:
  Status verify_head() const;
  // That it was not made from another of the keys, or another from it: then it is a private one.
  bool is_public(std::string_view value) const;

  const v1::PublishKeys& keys_;
  const std::vector<MlsKeyPackage>& packages_;
  const KeyOwnerName owner_;
  const std::string& device_key_;
  const std::string& identity_key_;
  std::vector<std::string_view> prekeys_;  // X25519
  std::set<std::string_view> known_;       // and the Ed25519 keys
};

}  // namespace godwit
