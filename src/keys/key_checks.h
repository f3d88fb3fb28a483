// What published keys are checked for: that they are what they say, that they are public, that the device signed them.
#pragma once

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
// `keys`. key_invalid, too_large, invalid_argument. Up to 50 microseconds a key: not for a worker.
Result<std::vector<MlsKeyPackage>> check_published(const v1::PublishKeys& keys, KeyOwnerName owner, std::int64_t now_ms);

// All signatures, and that no key is the private half of another or of `device_key`. `identity_key` is that of the
// request, else the device's present one. key_invalid. About 100 microseconds a key: not for a worker.
Status verify_published(const v1::PublishKeys& keys, const std::vector<MlsKeyPackage>& packages, KeyOwnerName owner,
                        const std::string& device_key, const std::string& identity_key);

}  // namespace godwit
