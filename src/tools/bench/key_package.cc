#include "tools/bench/key_package.h"

#include <sodium.h>

#include <string_view>

#include "base/random.h"

namespace godwit::bench {
namespace {

std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

// opaque<V>
std::string opaque(std::string_view bytes) {
  const std::size_t size = bytes.size();
  return (size < 64 ? number(size, 1) : number(0x4000 | size, 2)) + std::string(bytes);
}

std::string x25519_key() {
  const std::string secret = random_bytes(crypto_scalarmult_SCALARBYTES);
  std::string key(crypto_scalarmult_BYTES, '\0');
  crypto_scalarmult_base(reinterpret_cast<unsigned char*>(key.data()),
                         reinterpret_cast<const unsigned char*>(secret.data()));
  return key;
}

std::string signature(const Ed25519Key& key, std::string_view label, const std::string& content) {
  return opaque(key.sign(opaque("MLS 1.0 " + std::string(label)) + opaque(content)));
}

std::string name_of(const Account& account) {
  return number(account.user.value, 8) + number(account.device.value, 4);
}

}  // namespace

std::string make_key_package(const Ed25519Key& identity, const Account& account, std::int64_t now_s) {
  constexpr std::int64_t kDayS = 24 * 3600;
  const std::string one = number(1, 2);
  // Version, suite, no extensions, no proposals, basic credentials.
  const std::string capabilities = opaque(one) + opaque(one) + opaque("") + opaque("") + opaque(one);
  std::string leaf = opaque(x25519_key()) + opaque(identity.public_key) + one + opaque(name_of(account)) + capabilities +
                     number(1, 1) + number(static_cast<std::uint64_t>(now_s - kDayS), 8) +
                     number(static_cast<std::uint64_t>(now_s + 90 * kDayS), 8) + opaque("");
  leaf += signature(identity, "LeafNodeTBS", leaf);
  const std::string package = one + one + opaque(x25519_key()) + leaf + opaque("");
  return package + signature(identity, "KeyPackageTBS", package);
}

void set_identity(const Ed25519Key& identity, const Account& account, v1::PublishKeys& keys) {
  const std::string nul(1, '\0');
  keys.set_identity_key(identity.public_key);
  keys.set_identity_signature(identity.sign("godwit/v1/identity" + nul + account.key.public_key + name_of(account)));
  keys.set_device_signature(
      account.key.sign("godwit/v1/device-identity" + nul + identity.public_key + name_of(account)));
}

}  // namespace godwit::bench
