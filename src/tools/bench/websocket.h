// The client's half of RFC 6455, as little of it as a load generator needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace godwit::bench {

enum class Opcode : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// Longest frame header that a client writes: two bytes, a 64-bit length, the masking key.
inline constexpr std::size_t kMaxFrameHeader = 14;

std::size_t frame_header_size(std::size_t payload_bytes);
// Writes the header of a whole masked message. The masking key is 0, so that the payload goes out as it is:
// section 5.3 wants an unpredictable key, which protects proxies from hostile scripts; there is neither here.
char* put_frame_header(char* at, Opcode opcode, std::size_t payload_bytes);

// A frame of the server's. The payload points into the input.
struct ServerWsFrame {
  Opcode opcode = Opcode::binary;
  std::string_view payload;
  std::size_t wire_bytes = 0;  // header and payload
};

enum class FrameParse : std::uint8_t { complete, partial, broken };
// Reads one frame from the front of `input`. Fragmented and masked frames count as broken: the server sends
// every message as one frame.
FrameParse parse_server_frame(std::string_view input, ServerWsFrame& frame);

// The opening handshake (section 4.1) asking for `subprotocol`.
std::string upgrade_request(std::string_view host, std::string_view path, std::string_view subprotocol);

struct UpgradeReply {
  int status = 0;                    // 101 when the server agreed and its Sec-WebSocket-Accept is right
  std::uint32_t retry_after_ms = 0;  // from Retry-After
  std::size_t bytes = 0;             // length of the header block
};
// False while the header block is incomplete.
bool parse_upgrade_reply(std::string_view input, UpgradeReply& reply);

}  // namespace godwit::bench
