#include "tools/cli/link_payload.h"

#include "auth/base64url.h"
#include "auth/proof.h"

namespace godwit::cli {
namespace {

constexpr std::string_view kPrefix = "godwit-link:1:";
constexpr std::string_view kWhiteSpace = " \t\r\n";

}  // namespace

std::string format_link_payload(const LinkPayload& payload) {
  return std::string(kPrefix) + auth::base64url_encode(payload.link_id + payload.device_key);
}

std::optional<LinkPayload> parse_link_payload(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const auto bytes = auth::base64url_decode(text.substr(kPrefix.size()));
  if (!bytes || bytes->size() != auth::kLinkIdBytes + kEd25519KeyBytes) return std::nullopt;
  return LinkPayload{bytes->substr(0, auth::kLinkIdBytes), bytes->substr(auth::kLinkIdBytes)};
}

}  // namespace godwit::cli
