#include "tools/bench/websocket.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace godwit::bench {
namespace {

// The example of RFC 6455 section 1.3. One key for all connections saves a SHA-1 each; the server cannot
// tell.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

char* put_big_endian(char* at, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) *at++ = static_cast<char>(value >> shift);
  return at;
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = (value << 8) | static_cast<std::uint8_t>(c);
  return value;
}

// Value of the named header, without the blanks around it; empty when there is none.
std::string_view header_value(std::string_view block, std::string_view name) {
  std::size_t line = block.find("\r\n");
  while (line != std::string_view::npos) {
    const std::size_t begin = line + 2;
    line = block.find("\r\n", begin);
    std::string_view text = block.substr(begin, line == std::string_view::npos ? line : line - begin);
    if (text.size() <= name.size() || text[name.size()] != ':') continue;
    const bool same =
        std::equal(name.begin(), name.end(), text.begin(),
                   [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
    if (!same) continue;
    text.remove_prefix(name.size() + 1);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
  }
  return {};
}

}  // namespace

std::size_t frame_header_size(std::size_t payload_bytes) {
  if (payload_bytes < 126) return 6;
  return payload_bytes <= 0xFFFF ? 8 : 14;
}

char* put_frame_header(char* at, Opcode opcode, std::size_t payload_bytes) {
  *at++ = static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
  if (payload_bytes < 126) {
    *at++ = static_cast<char>(0x80 | payload_bytes);
  } else if (payload_bytes <= 0xFFFF) {
    *at++ = static_cast<char>(0x80 | 126);
    at = put_big_endian(at, payload_bytes, 2);
  } else {
    *at++ = static_cast<char>(0x80 | 127);
    at = put_big_endian(at, payload_bytes, 8);
  }
  std::memset(at, 0, 4);
  return at + 4;
}

FrameParse parse_server_frame(std::string_view input, ServerWsFrame& frame) {
  if (input.size() < 2) return FrameParse::partial;
  const auto first = static_cast<std::uint8_t>(input[0]);
  const auto second = static_cast<std::uint8_t>(input[1]);
  if ((first & 0xF0) != 0x80 || (second & 0x80) != 0) return FrameParse::broken;
  std::size_t header = 2;
  std::uint64_t length = second;
  if (second >= 126) {
    const std::size_t bytes = second == 126 ? 2 : 8;
    if (input.size() < 2 + bytes) return FrameParse::partial;
    length = big_endian(input.substr(2, bytes));
    header += bytes;
  }
  if (length > input.size() - header) return FrameParse::partial;
  frame.opcode = static_cast<Opcode>(first & 0x0F);
  frame.payload = input.substr(header, length);
  frame.wire_bytes = header + length;
  return FrameParse::complete;
}

std::string upgrade_request(std::string_view host, std::string_view path, std::string_view subprotocol) {
  std::string request;
  request.append("GET ").append(path).append(" HTTP/1.1\r\nHost: ").append(host);
  request.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ").append(kKey);
  request.append("\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ").append(subprotocol);
  request.append("\r\n\r\n");
  return request;
}

bool parse_upgrade_reply(std::string_view input, UpgradeReply& reply) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  reply = UpgradeReply();
  reply.bytes = end + 4;
  const std::string_view block = input.substr(0, end);
  if (block.size() >= 12 && block.starts_with("HTTP/1.")) {
    std::from_chars(block.data() + 9, block.data() + 12, reply.status);
  }
  if (reply.status == 101 && header_value(block, "Sec-WebSocket-Accept") != kAccept) reply.status = 0;
  const std::string_view retry = header_value(block, "Retry-After");
  std::uint32_t seconds = 0;
  std::from_chars(retry.data(), retry.data() + retry.size(), seconds);
  reply.retry_after_ms = std::min<std::uint32_t>(seconds, 3600) * 1000;
  return true;
}

}  // namespace godwit::bench
