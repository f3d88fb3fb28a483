#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace godwit::net {
namespace {

constexpr std::string_view kSignature2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::size_t kMaxHeader1 = 107;
constexpr std::size_t kFixedHeader2 = 16;
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kTlvSsl = 0x20;
constexpr std::uint8_t kClientSsl = 0x01;

std::uint8_t byte_at(std::string_view s, std::size_t i) {
  return static_cast<std::uint8_t>(s[i]);
}

std::size_t u16_at(std::string_view s, std::size_t i) {
  return static_cast<std::size_t>(byte_at(s, i) << 8 | byte_at(s, i + 1));
}

ProxyParse bad() {
  return {ProxyParse::Status::bad, 0, {}};
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

ProxyParse parse_version1(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, kMaxHeader1);
  const auto end = head.find('\n');
  if (end == std::string_view::npos) return head.size() < kMaxHeader1 ? ProxyParse{} : bad();
  if (head[end - 1] != '\r') return bad();
  std::string_view line = head.substr(kSignature1.size(), end - 1 - kSignature1.size());
  ProxyParse result{ProxyParse::Status::done, end + 1, {}};
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return result;
  // TCP4|TCP6 source destination source-port destination-port
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto space = line.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == words.size())) return bad();
    words[i] = line.substr(0, space);
    line.remove_prefix(i + 1 == words.size() ? line.size() : space + 1);
  }
  const auto source = IpAddress::parse(words[1]);
  const auto destination = IpAddress::parse(words[2]);
  std::uint16_t destination_port = 0;
  if (!source || !destination || !parse_port(words[3], result.header.source_port) ||
      !parse_port(words[4], destination_port)) {
    return bad();
  }
  if (words[0] != (words[1].find(':') == std::string_view::npos ? "TCP4" : "TCP6")) return bad();
  result.header.has_source = true;
  result.header.source = *source;
  return result;
}

// Walks the type-length-value tail; false if it is malformed.
bool read_tlvs(std::string_view tail, ProxyHeader& header) {
  while (!tail.empty()) {
    if (tail.size() < 3) return false;
    const std::size_t length = u16_at(tail, 1);
    if (tail.size() < 3 + length) return false;
    if (byte_at(tail, 0) == kTlvSsl) {
      if (length < 5) return false;
      header.secure = (byte_at(tail, 3) & kClientSsl) != 0;
    }
    tail.remove_prefix(3 + length);
  }
  return true;
}

ProxyParse parse_version2(std::string_view bytes) {
  if (bytes.size() < kFixedHeader2) return {};
  const std::uint8_t version_command = byte_at(bytes, 12);
  const std::uint8_t family = byte_at(bytes, 13);
  const std::size_t length = u16_at(bytes, 14);
  if (version_command != 0x20 && version_command != 0x21) return bad();
  if (kFixedHeader2 + length > kMaxProxyHeader) return bad();
  if (bytes.size() < kFixedHeader2 + length) return {};
  ProxyParse result{ProxyParse::Status::done, kFixedHeader2 + length, {}};
  // LOCAL: whatever follows is to be skipped. UNSPEC: no address that could be used.
  if (version_command == 0x20 || family == 0) return result;
  if (family != kTcp4 && family != kTcp6) return bad();
  const std::string_view body = bytes.substr(kFixedHeader2, length);
  const std::size_t address = family == kTcp4 ? 4 : 16;
  if (body.size() < 2 * address + 4) return bad();
  std::array<std::uint8_t, 16> raw{};
  std::memcpy(raw.data(), body.data(), address);
  result.header.source = family == kTcp4 ? IpAddress::from_v4(raw.data()) : IpAddress{raw};
  result.header.source_port = static_cast<std::uint16_t>(u16_at(body, 2 * address));
  result.header.has_source = true;
  return read_tlvs(body.substr(2 * address + 4), result.header) ? result : bad();
}

}  // namespace

ProxyParse parse_proxy_header(std::string_view bytes) {
  const auto begins_like = [&](std::string_view signature) {
    const std::size_t n = std::min(bytes.size(), signature.size());
    return bytes.substr(0, n) == signature.substr(0, n);
  };
  if (begins_like(kSignature2))
    return bytes.size() < kSignature2.size() ? ProxyParse{} : parse_version2(bytes);
  if (begins_like(kSignature1))
    return bytes.size() < kSignature1.size() ? ProxyParse{} : parse_version1(bytes);
  return bad();
}

}  // namespace godwit::net
