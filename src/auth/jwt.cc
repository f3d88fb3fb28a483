#include "auth/jwt.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/ed25519_key.h"
#include "auth/strict_json.h"

namespace godwit::auth {
namespace {

using nlohmann::json;

constexpr int kMaxHeaderDepth = 2;
constexpr int kMaxPayloadDepth = 8;
constexpr std::size_t kMaxAudiences = 16;
// Every integer up to here is exact in every JSON reader (RFC 8259 section 6), and sums stay far from
// overflow.
constexpr std::int64_t kMaxTime = (std::int64_t{1} << 53) - 1;

Error invalid(const char* detail) {
  return Error(Errc::token_invalid, detail);
}

// RFC 7515 section 4.1.9: "application/" may be left out, and media types do not know case.
std::string normalised_type(std::string type) {
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::string_view prefix = "application/";
  return type.starts_with(prefix) ? type.substr(prefix.size()) : type;
}

Status read_header(std::string_view text, UnverifiedToken& token) {
  const auto header = parse_strict_object(text, kMaxHeaderDepth);
  if (!header) return invalid("the header is not a JSON object");
  if (header->contains("crit")) return invalid("the header has critical extensions");
  const std::string* alg = string_member(*header, "alg");
  const auto algorithm = alg != nullptr ? algorithm_from_name(*alg) : std::nullopt;
  if (!algorithm) return invalid("the algorithm is not allowed");
  const std::string* kid = string_member(*header, "kid");
  if (kid == nullptr || kid->empty()) return invalid("the header names no key");
  if (header->contains("typ")) {
    const std::string* type = string_member(*header, "typ");
    if (type == nullptr) return invalid("the type is not a string");
    token.type = normalised_type(*type);
  }
  token.algorithm = *algorithm;
  token.kid = *kid;
  return Unit{};
}

// Absent gives 0. NumericDate may have a fraction (RFC 7519 section 2), which is cut off.
std::optional<std::int64_t> time_claim(const json& payload, const char* name) {
  const auto it = payload.find(name);
  if (it == payload.end()) return 0;
  if (it->is_number_float()) {
    const double seconds = it->get<double>();
    if (!(seconds >= 0 && seconds <= static_cast<double>(kMaxTime))) return std::nullopt;
    return static_cast<std::int64_t>(seconds);
  }
  const auto seconds = integer_member(payload, name);
  if (!seconds || *seconds < 0 || *seconds > kMaxTime) return std::nullopt;
  return seconds;
}

bool read_audience(const json& payload, std::vector<std::string>& out) {
  const auto it = payload.find("aud");
  if (it == payload.end()) return false;
  if (it->is_string()) {
    out.push_back(it->get<std::string>());
    return true;
  }
  if (!it->is_array() || it->size() > kMaxAudiences) return false;
  for (const json& one : *it) {
    if (!one.is_string()) return false;
    out.push_back(one.get<std::string>());
  }
  return true;
}

// Fills the bound key from `cnf`. False when there is a `cnf` that cannot be read: a binding that is not
// understood must not be taken for none.
bool read_confirmation(const json& payload, Claims& claims) {
  const auto cnf = payload.find("cnf");
  if (cnf == payload.end()) return true;
  if (!cnf->is_object()) return false;
  if (const auto jwk = cnf->find("jwk"); jwk != cnf->end()) {
    if (!jwk->is_object()) return false;
    const std::string* kty = string_member(*jwk, "kty");
    const std::string* crv = string_member(*jwk, "crv");
    const std::string* x = string_member(*jwk, "x");
    if (kty == nullptr || *kty != "OKP" || crv == nullptr || *crv != "Ed25519" || x == nullptr) return false;
    auto key = base64url_decode(*x);
    if (!key || key->size() != kEd25519KeyBytes) return false;
    claims.device_key = std::move(*key);
  }
  if (cnf->contains("jkt")) {
    const std::string* jkt = string_member(*cnf, "jkt");
    const auto hash = jkt != nullptr ? base64url_decode(*jkt) : std::nullopt;
    if (!hash || hash->size() != crypto_hash_sha256_BYTES) return false;
    claims.key_thumbprint = *jkt;
  }
  return !claims.device_key.empty() || !claims.key_thumbprint.empty();
}

// Decimal, without sign or leading zeros: one user has one spelling.
bool read_user(const std::string& subject, UserId& user) {
  if (subject.empty() || subject.front() == '0') return false;
  const char* end = subject.data() + subject.size();
  const auto parsed = std::from_chars(subject.data(), end, user.value);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

Status read_embedded(const json& payload, Claims& claims) {
  if (!read_user(claims.subject, claims.user)) return invalid("the subject is not a user id");
  const auto device = integer_member(payload, "did");
  if (!device || *device < 1 || *device > std::numeric_limits<std::uint32_t>::max()) {
    return invalid("the device id is missing or out of range");
  }
  claims.device = DeviceId(static_cast<std::uint32_t>(*device));
  if (claims.device_key.empty()) return invalid("the token is bound to no device key");
  return Unit{};
}

Status read_external(const json& payload, const TokenPolicy& policy, Claims& claims) {
  const std::string* handle = string_member(payload, policy.handle_claim.c_str());
  claims.handle = handle != nullptr && !handle->empty() ? *handle : claims.subject;
  if (claims.handle.empty()) return invalid("the token names no account");
  claims.external = true;
  return Unit{};
}

Status check_times(const json& payload, const TokenPolicy& policy, std::int64_t now_s, Claims& claims) {
  const auto issued = time_claim(payload, "iat");
  const auto expires = time_claim(payload, "exp");
  const auto not_before = time_claim(payload, "nbf");
  if (!issued || !expires || !not_before) return invalid("a time claim is not a number in range");
  if (!payload.contains("exp")) return invalid("the token has no expiry");
  if (*not_before > now_s + policy.leeway_s) return invalid("the token is not valid yet");
  if (*expires <= now_s - policy.leeway_s) return Error(Errc::token_expired, "the token has expired");
  claims.issued_s = *issued;
  claims.expires_s = *expires;
  claims.not_before_s = *not_before;
  return Unit{};
}

// External issuers predate RFC 9068 or ignore it; what is refused is a token made for another purpose
// (logout+jwt, dpop+jwt, secevent+jwt...).
bool type_is_allowed(const std::string& type, bool external) {
  return type == "at+jwt" || (external && (type.empty() || type == "jwt"));
}

}  // namespace

Result<UnverifiedToken> split_token(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return invalid("the token is too long");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return invalid("the token does not have three parts");
  }
  const auto header = base64url_decode(token.substr(0, first));
  auto payload = base64url_decode(token.substr(first + 1, second - first - 1));
  auto signature = base64url_decode(token.substr(second + 1));
  if (!header || !payload || !signature) return invalid("the token is not base64url");
  if (header->size() > kMaxTokenHeaderBytes) return invalid("the header is too long");
  UnverifiedToken out;
  if (const Status status = read_header(*header, out); !status) return status.error();
  out.signing_input = token.substr(0, second);
  out.payload = std::move(*payload);
  out.signature = std::move(*signature);
  return out;
}

Result<Claims> verify_token(const UnverifiedToken& token, const VerifyKey& key, const TokenPolicy& policy,
                            std::int64_t now_s) {
  if (token.algorithm != key.algorithm()) return invalid("the algorithm is not that of the key");
  if (!type_is_allowed(token.type, policy.external)) return invalid("the token is not an access token");
  if (!key.verify(token.signing_input, token.signature)) return invalid("the signature is wrong");
  return check_claims(token.payload, policy, now_s);
}

Result<Claims> check_claims(std::string_view text, const TokenPolicy& policy, std::int64_t now_s) {
  const auto payload = parse_strict_object(text, kMaxPayloadDepth);
  if (!payload) return invalid("the payload is not a JSON object");
  Claims claims;
  const std::string* issuer = string_member(*payload, "iss");
  if (issuer == nullptr || *issuer != policy.issuer) return invalid("the token is of another issuer");
  claims.issuer = *issuer;
  if (!read_audience(*payload, claims.audience) ||
      std::find(claims.audience.begin(), claims.audience.end(), policy.audience) == claims.audience.end()) {
    return invalid("the token is for another audience");
  }
  if (const std::string* subject = string_member(*payload, "sub")) claims.subject = *subject;
  if (!read_confirmation(*payload, claims)) return invalid("the key binding is not understood");
  const Status identity =
      policy.external ? read_external(*payload, policy, claims) : read_embedded(*payload, claims);
  if (!identity) return identity.error();
  // Last, so that token_expired tells a client that a refresh will help.
  if (const Status times = check_times(*payload, policy, now_s, claims); !times) return times.error();
  return claims;
}

bool is_bound_to(const Claims& claims, std::string_view device_key) {
  if (device_key.size() != kEd25519KeyBytes) return false;
  if (claims.device_key.empty() && claims.key_thumbprint.empty()) return false;
  const auto same = [](std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
  };
  if (!claims.device_key.empty() && !same(claims.device_key, device_key)) return false;
  return claims.key_thumbprint.empty() || same(claims.key_thumbprint, ed25519_thumbprint(device_key));
}

}  // namespace godwit::auth
