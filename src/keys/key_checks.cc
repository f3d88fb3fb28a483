#include "keys/key_checks.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/ed25519_key.h"

namespace godwit {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::int64_t kMaxLifetimeMs = 400 * kDayMs;
// How far the clock of a device may be off.
constexpr std::int64_t kMaxSkewMs = kDayMs;

Error invalid(const std::string& why) {
  return Error(Errc::key_invalid, why);
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string big_endian(std::uint64_t value, int size) {
  std::string out;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

std::string name_bytes(KeyOwnerName owner) {
  return big_endian(owner.user.value, 8) + big_endian(owner.device.value, 4);
}

std::string signed_input(std::string_view context, const std::string& rest) {
  std::string input(context);
  input.push_back('\0');
  return input + rest;
}

// Points of Curve25519 and its twist whose order divides 8, as RFC 7748 decodes them; the highest bit does not count.
bool is_small_order(std::string_view key) {
  static const std::array<std::string, 7> kPoints = [] {
    std::array<std::string, 7> points;
    const std::array<const char*, 7> hex = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    for (std::size_t i = 0; i < hex.size(); ++i) {
      points[i].resize(kKeyBytes);
      sodium_hex2bin(reinterpret_cast<unsigned char*>(points[i].data()), kKeyBytes, hex[i], 2 * kKeyBytes, nullptr,
                     nullptr, nullptr);
    }
    return points;
  }();
  std::string masked(key);
  masked.back() = static_cast<char>(masked.back() & 0x7F);
  return std::find(kPoints.begin(), kPoints.end(), masked) != kPoints.end();
}

bool is_x25519(std::string_view key) {
  return key.size() == kKeyBytes && !is_small_order(key);
}

// FIPS 203, section 7.2: the vector is of 12-bit numbers below the modulus.
bool is_ml_kem(std::string_view key) {
  if (key.size() != 1184 && key.size() != 1568) return false;
  const std::string_view vector = key.substr(0, key.size() - 32);
  for (std::size_t i = 0; i < vector.size(); i += 3) {
    const unsigned a = bytes(vector)[i];
    const unsigned b = bytes(vector)[i + 1];
    const unsigned c = bytes(vector)[i + 2];
    if ((a | (b & 0xF) << 8) >= 3329 || (b >> 4 | c << 4) >= 3329) return false;
  }
  return true;
}

Status check_identity(const v1::PublishKeys& keys) {
  if (keys.identity_key().empty()) {
    if (!keys.identity_signature().empty() || !keys.device_signature().empty()) {
      return Error(Errc::invalid_argument, "signatures of an identity key that is not there");
    }
    return Unit{};
  }
  if (keys.identity_key().size() != kKeyBytes || crypto_core_ed25519_is_valid_point(bytes(keys.identity_key())) != 1) {
    return invalid("the identity key is no Ed25519 public key");
  }
  return Unit{};
}

Status check_prekeys(const v1::PublishKeys& keys) {
  if (keys.has_signed_prekey() && (keys.signed_prekey().id() == 0 || !is_x25519(keys.signed_prekey().public_key()))) {
    return invalid("the signed prekey is no X25519 public key with an id");
  }
  std::set<std::uint32_t> ids;
  for (const v1::Prekey& prekey : keys.one_time_prekeys()) {
    if (prekey.id() == 0 || !is_x25519(prekey.public_key())) {
      return invalid("a one-time prekey is no X25519 public key with an id");
    }
    if (!ids.insert(prekey.id()).second) return Errc::key_id_reused;
  }
  ids.clear();
  for (const v1::SignedPrekey& prekey : keys.pq_prekeys()) {
    if (prekey.id() == 0 || !is_ml_kem(prekey.public_key())) {
      return invalid("a prekey is no ML-KEM encapsulation key with an id");
    }
    if (!ids.insert(prekey.id()).second) return Errc::key_id_reused;
  }
  if (!keys.has_pq_last_resort()) return Unit{};
  if (keys.pq_last_resort().id() == 0 || !is_ml_kem(keys.pq_last_resort().public_key())) {
    return invalid("the last resort is no ML-KEM encapsulation key with an id");
  }
  return ids.contains(keys.pq_last_resort().id()) ? Status(Errc::key_id_reused) : Status(Unit{});
}

Status check_package(const MlsKeyPackage& package, KeyOwnerName owner, std::int64_t now_ms) {
  if (package.identity != name_bytes(owner)) return invalid("a key package is of another device");
  if (!is_x25519(package.init_key) || !is_x25519(package.encryption_key)) {
    return invalid("a key package has a key that is no X25519 public key");
  }
  const auto now_s = static_cast<std::uint64_t>(now_ms / 1000);
  constexpr std::uint64_t kMaxLifetimeS = kMaxLifetimeMs / 1000;
  constexpr std::uint64_t kSkewS = kMaxSkewMs / 1000;
  if (package.not_after_s <= now_s || package.not_before_s > now_s + kSkewS) {
    return invalid("a key package's lifetime is over or yet to come");
  }
  if (package.not_after_s > now_s + kSkewS + kMaxLifetimeS ||
      package.not_after_s - package.not_before_s > kMaxLifetimeS + kSkewS) {
    return invalid("a key package's lifetime is longer than 400 days");
  }
  return Unit{};
}

bool verify_prekey(const v1::SignedPrekey& prekey, std::string_view context, const std::string& identity_key) {
  return verify_ed25519(identity_key, signed_input(context, big_endian(prekey.id(), 4) + prekey.public_key()),
                        prekey.signature());
}

}  // namespace

Status check_counts(const v1::PublishKeys& keys) {
  if (keys.one_time_prekeys_size() > kMaxPublishedPrekeys || keys.pq_prekeys_size() > kMaxPublishedPqPrekeys ||
      keys.key_packages_size() > kMaxPublishedPackages) {
    return Error(Errc::too_large, "at most 200 prekeys, 100 ML-KEM prekeys and 200 key packages in one request");
  }
  return Unit{};
}

Result<std::vector<MlsKeyPackage>> check_published(const v1::PublishKeys& keys, KeyOwnerName owner, std::int64_t now_ms) {
  if (const Status checked = check_identity(keys); !checked) return checked.error();
  if (const Status checked = check_prekeys(keys); !checked) return checked.error();
  std::vector<MlsKeyPackage> packages;
  bool last_resort = false;
  for (const std::string& encoded : keys.key_packages()) {
    auto package = parse_key_package(encoded);
    if (!package) return package.error();
    if (const Status checked = check_package(*package, owner, now_ms); !checked) return checked.error();
    if (package->last_resort && std::exchange(last_resort, true)) {
      return Error(Errc::invalid_argument, "more than one last resort among the key packages");
    }
    packages.push_back(*package);
  }
  return packages;
}

KeyVerifier::KeyVerifier(const v1::PublishKeys& keys, const std::vector<MlsKeyPackage>& packages, KeyOwnerName owner,
                         const std::string& device_key, const std::string& identity_key)
    : keys_(keys), packages_(packages), owner_(owner), device_key_(device_key), identity_key_(identity_key) {
  if (keys.has_signed_prekey()) prekeys_.push_back(keys.signed_prekey().public_key());
  for (const v1::Prekey& prekey : keys.one_time_prekeys()) prekeys_.push_back(prekey.public_key());
  known_.insert(prekeys_.begin(), prekeys_.end());
  known_.insert(device_key);
  known_.insert(identity_key);
}

std::size_t KeyVerifier::size() const {
  return 1 + prekeys_.size() + static_cast<std::size_t>(keys_.pq_prekeys_size()) + packages_.size();
}

Status KeyVerifier::verify(std::size_t check) const {
  if (check == 0) return verify_head();
  check -= 1;
  if (check < prekeys_.size()) return is_public(prekeys_[check]) ? Status(Unit{}) : invalid("a prekey is a private key");
  check -= prekeys_.size();
  if (check < static_cast<std::size_t>(keys_.pq_prekeys_size())) {
    if (verify_prekey(keys_.pq_prekeys(static_cast<int>(check)), "godwit/v1/pq-prekey", identity_key_)) return Unit{};
    return invalid("the signature of an ML-KEM prekey is not valid");
  }
  const MlsKeyPackage& package = packages_.at(check - static_cast<std::size_t>(keys_.pq_prekeys_size()));
  if (package.signature_key == identity_key_ && verify_key_package(package)) return Unit{};
  return invalid("a key package is not signed by the identity key");
}

// What there is one of.
Status KeyVerifier::verify_head() const {
  if (!keys_.identity_key().empty()) {
    const std::string name = name_bytes(owner_);
    if (!verify_ed25519(identity_key_, signed_input("godwit/v1/identity", device_key_ + name),
                        keys_.identity_signature())) {
      return invalid("the identity signature is not valid");
    }
    if (!verify_ed25519(device_key_, signed_input("godwit/v1/device-identity", identity_key_ + name),
                        keys_.device_signature())) {
      return invalid("the device signature is not valid");
    }
  }
  if (keys_.has_signed_prekey() && !verify_prekey(keys_.signed_prekey(), "godwit/v1/prekey", identity_key_)) {
    return invalid("the signature of the signed prekey is not valid");
  }
  if (keys_.has_pq_last_resort() && !verify_prekey(keys_.pq_last_resort(), "godwit/v1/pq-prekey", identity_key_)) {
    return invalid("the signature of the ML-KEM last resort is not valid");
  }
  return Unit{};
}

bool KeyVerifier::is_public(std::string_view value) const {
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> made{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
  const std::string_view view(reinterpret_cast<const char*>(made.data()), made.size());
  crypto_sign_seed_keypair(made.data(), secret.data(), bytes(value));
  sodium_memzero(secret.data(), secret.size());
  if (known_.contains(view)) return false;
  crypto_scalarmult_base(made.data(), bytes(value));
  return !known_.contains(view);
}

}  // namespace godwit
