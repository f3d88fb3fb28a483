// WebSocket framing, server side (RFC 6455, section 5). Pure: bytes in, events out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "godwit/close_reason.h"

namespace godwit::net {

enum class WsOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// A control frame carries at most this (RFC 6455, section 5.5).
inline constexpr std::size_t kMaxControlPayload = 125;
// A server's frame header is never longer.
inline constexpr std::size_t kMaxServerHeader = 10;
// What a close frame without a code stands for (RFC 6455, section 7.1.5); never on the wire.
inline constexpr std::uint16_t kNoCloseCode = 1005;

struct WsRules {
  std::size_t max_message_bytes = 128 * 1024;  // of one message, however many frames carry it
  bool text = false;                           // the subprotocol's messages are text, else binary
};

struct WsEvent {
  enum class Kind : std::uint8_t {
    need_more,  // the input ends within a frame, or is empty
    message,
    ping,
    pong,
    close,
    fault,  // the connection must end with `fault`; the reader is spent
  };
  Kind kind = Kind::need_more;
  // Bytes from the start of the input that are done with. Not 0 for need_more if fragments were taken in.
  std::size_t consumed = 0;
  // need_more: size of the unfinished frame, counted from `consumed`; 0 while its header is incomplete.
  std::size_t needed = 0;
  // need_more: size of the message with which it is complete, header included; 0 while another frame may follow.
  std::size_t whole = 0;
  // Unmasked. Valid until the input or the reader changes.
  std::span<char> payload;
  std::uint16_t close_code = kNoCloseCode;
  CloseReason fault = CloseReason::protocol_violation;
};

// Reads the frames of one connection. Unmasks in place; holds memory only between the fragments of a message.
class WsReader {
 public:
  WsReader();
  ~WsReader();
  WsReader(WsReader&&) noexcept;
  WsReader& operator=(WsReader&&) noexcept;

  // The next event of `input`, which continues where `consumed` of the call before ended. The bytes of an
  // unfinished frame are not changed and must be presented again, with more behind them.
  WsEvent next(std::span<char> input, const WsRules& rules);
  // What it holds of a message of which more frames are due.
  std::size_t held_bytes() const;

 private:
  struct Header;
  struct Fragments;

  static WsEvent::Kind parse_header(std::span<const char> input, Header& header);
  bool check_header(const Header& header, const WsRules& rules, CloseReason& fault) const;
  bool take_data(const Header& header, std::span<char> payload, const WsRules& rules, WsEvent& event);

  std::unique_ptr<Fragments> fragments_;
};

// XORs with the masking key (RFC 6455, section 5.3), whose first byte belongs to data[0].
void unmask(std::span<char> data, const char key[4]);

// Appends the header of one unfragmented, unmasked frame.
void append_ws_header(std::string& out, WsOpcode opcode, std::size_t payload_bytes);
std::size_t ws_header_size(std::size_t payload_bytes);

// Appends a whole close frame; the text is cut to what a control frame holds.
void append_ws_close(std::string& out, std::uint16_t code, std::string_view text);

// Whether a peer may send `code` (RFC 6455, section 7.4, and the IANA registry).
bool is_valid_close_code(std::uint16_t code);

}  // namespace godwit::net
