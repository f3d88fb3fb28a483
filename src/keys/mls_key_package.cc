#include "keys/mls_key_package.h"

#include <sodium.h>

#include <algorithm>
#include <string>
#include <vector>

namespace godwit {
namespace {

constexpr std::uint16_t kMls10 = 1;
constexpr std::uint16_t kSuite = 1;  // X25519, AES-128-GCM, SHA-256, Ed25519
constexpr std::uint16_t kBasicCredential = 1;
constexpr std::uint8_t kSourceKeyPackage = 1;
constexpr std::size_t kMlsKeyBytes = 32;

// A cursor over the encoding (RFC 9420, section 2.1). After a fault everything reads as empty, and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char byte : take(size)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }

  // opaque<V>
  std::string_view vector() {
    const std::uint8_t first = u8();
    const unsigned log2 = first >> 6;
    if (log2 == 3) {
      ok_ = false;
      return {};
    }
    std::uint64_t size = first & 0x3F;
    const std::size_t more = (std::size_t{1} << log2) - 1;
    size = size << (8 * more) | number(more);
    // The shortest form is the only one.
    if ((log2 == 1 && size < 64) || (log2 == 2 && size < 16'384)) ok_ = false;
    return take(size);
  }

  std::size_t at() const { return at_; }
  bool done() const { return at_ == bytes_.size(); }
  bool ok() const { return ok_; }

 private:
  std::string_view take(std::uint64_t size) {
    if (!ok_ || size > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// Of a list of 16-bit values: whether it is one, and has `wanted`.
bool lists(std::string_view values, std::uint16_t wanted) {
  Reader reader(values);
  bool found = false;
  while (reader.ok() && !reader.done()) found |= reader.u16() == wanted;
  return reader.ok() && found;
}

bool is_list(std::string_view values) {
  return values.size() % 2 == 0;
}

// Reads the types of extensions; none may come twice.
bool read_extensions(std::string_view encoded, std::vector<std::uint16_t>& types) {
  Reader reader(encoded);
  while (reader.ok() && !reader.done()) {
    types.push_back(reader.u16());
    reader.vector();
  }
  std::sort(types.begin(), types.end());
  return reader.ok() && std::adjacent_find(types.begin(), types.end()) == types.end();
}

void append_vector(std::string& out, std::string_view bytes) {
  const std::size_t size = bytes.size();
  if (size < 64) {
    out.push_back(static_cast<char>(size));
  } else if (size < 16'384) {
    out.push_back(static_cast<char>(0x40 | size >> 8));
    out.push_back(static_cast<char>(size));
  } else {
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.push_back(static_cast<char>((shift == 24 ? 0x80 : 0) | (size >> shift & 0xFF)));
    }
  }
  out.append(bytes);
}

// SignWithLabel (RFC 9420, section 5.1.2).
bool verify_with_label(std::string_view key, std::string_view label, std::string_view content, std::string_view signature) {
  std::string input;
  append_vector(input, "MLS 1.0 " + std::string(label));
  append_vector(input, content);
  const auto bytes = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  return signature.size() == crypto_sign_BYTES && key.size() == crypto_sign_PUBLICKEYBYTES &&
         crypto_sign_verify_detached(bytes(signature), bytes(input), input.size(), bytes(key)) == 0;
}

Error invalid(const char* why) {
  return Error(Errc::key_invalid, std::string("key package: ") + why);
}

}  // namespace

Result<MlsKeyPackage> parse_key_package(std::string_view bytes) {
  if (bytes.size() > kMaxKeyPackageBytes) return Error(Errc::too_large, "a key package may have 4,096 bytes");
  MlsKeyPackage package;
  Reader reader(bytes);
  if (reader.u16() != kMls10) return invalid("its version is not mls10");
  if (reader.u16() != kSuite) return invalid("its cipher suite is not 1");
  package.init_key = reader.vector();

  const std::size_t leaf = reader.at();
  package.encryption_key = reader.vector();
  package.signature_key = reader.vector();
  if (reader.u16() != kBasicCredential) return invalid("its credential is not basic");
  package.identity = reader.vector();
  const std::string_view versions = reader.vector();
  const std::string_view suites = reader.vector();
  const bool lists_are_whole = is_list(reader.vector()) & is_list(reader.vector());  // extensions, proposals
  const std::string_view credentials = reader.vector();
  if (reader.u8() != kSourceKeyPackage) return invalid("its leaf is not one of a key package");
  package.not_before_s = reader.number(8);
  package.not_after_s = reader.number(8);
  std::vector<std::uint16_t> leaf_extensions;
  const bool leaf_extends = read_extensions(reader.vector(), leaf_extensions);
  package.leaf_tbs = bytes.substr(leaf, reader.at() - leaf);
  package.leaf_signature = reader.vector();

  std::vector<std::uint16_t> extensions;
  const bool extends = read_extensions(reader.vector(), extensions);
  package.package_tbs = bytes.substr(0, reader.at());
  package.signature = reader.vector();

  if (!reader.ok() || !reader.done() || !lists_are_whole || !leaf_extends || !extends) return invalid("malformed");
  if (!lists(versions, kMls10) || !lists(suites, kSuite) || !lists(credentials, kBasicCredential)) {
    return invalid("its capabilities lack what it uses");
  }
  if (package.init_key.size() != kMlsKeyBytes || package.encryption_key.size() != kMlsKeyBytes ||
      package.signature_key.size() != kMlsKeyBytes || package.init_key == package.encryption_key) {
    return invalid("its keys are not those of cipher suite 1");
  }
  package.last_resort = std::binary_search(extensions.begin(), extensions.end(), kLastResortExtension);
  return package;
}

bool verify_key_package(const MlsKeyPackage& package) {
  return verify_with_label(package.signature_key, "LeafNodeTBS", package.leaf_tbs, package.leaf_signature) &&
         verify_with_label(package.signature_key, "KeyPackageTBS", package.package_tbs, package.signature);
}

}  // namespace godwit
