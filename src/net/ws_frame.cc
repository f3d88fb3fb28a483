#include "net/ws_frame.h"

#include <algorithm>
#include <cstring>

#include "net/utf8.h"

namespace godwit::net {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kMasked = 0x80;

bool is_control(WsOpcode opcode) {
  return static_cast<std::uint8_t>(opcode) >= 8;
}

bool is_known(std::uint8_t opcode) {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

WsEvent fault_event(CloseReason reason) {
  WsEvent event;
  event.kind = WsEvent::Kind::fault;
  event.fault = reason;
  return event;
}

}  // namespace

struct WsReader::Header {
  WsOpcode opcode = WsOpcode::continuation;
  bool fin = false;
  std::size_t size = 0;      // of the header itself
  std::uint64_t length = 0;  // of the payload
};

// A message of which some frames have come. `complete` ones live until the next call.
struct WsReader::Fragments {
  std::string bytes;
  Utf8Validator utf8;
  bool complete = false;
};

WsReader::WsReader() = default;
WsReader::~WsReader() = default;
WsReader::WsReader(WsReader&&) noexcept = default;
WsReader& WsReader::operator=(WsReader&&) noexcept = default;

// need_more, fault, or message when the header is complete and well formed.
WsEvent::Kind WsReader::parse_header(std::span<const char> input, Header& header) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(input[i]); };
  if (input.empty()) return WsEvent::Kind::need_more;
  if ((byte(0) & kReserved) != 0 || !is_known(byte(0) & 0x0F)) return WsEvent::Kind::fault;
  header.fin = (byte(0) & kFin) != 0;
  header.opcode = static_cast<WsOpcode>(byte(0) & 0x0F);
  if (input.size() < 2) return WsEvent::Kind::need_more;
  if ((byte(1) & kMasked) == 0) return WsEvent::Kind::fault;
  const std::uint8_t short_length = byte(1) & 0x7F;
  if (is_control(header.opcode) && (short_length > kMaxControlPayload || !header.fin))
    return WsEvent::Kind::fault;
  const std::size_t extra = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  header.size = 2 + extra + 4;
  if (input.size() < 2 + extra) return WsEvent::Kind::need_more;
  header.length = short_length;
  if (extra != 0) {
    header.length = 0;
    for (std::size_t i = 0; i < extra; ++i) header.length = (header.length << 8) | byte(2 + i);
    // The shortest form is required, and the highest bit must be 0 (section 5.2).
    const bool too_long_form = extra == 2 ? header.length < 126 : header.length <= 0xFFFF;
    if (too_long_form || (header.length >> 63) != 0) return WsEvent::Kind::fault;
  }
  return WsEvent::Kind::message;
}

// What can be refused before the payload has arrived.
bool WsReader::check_header(const Header& header, const WsRules& rules, CloseReason& fault) const {
  fault = CloseReason::protocol_violation;
  if (is_control(header.opcode)) return true;
  if ((header.opcode == WsOpcode::continuation) != (fragments_ != nullptr)) return false;
  fault = CloseReason::unsupported_data;
  if (header.opcode == (rules.text ? WsOpcode::binary : WsOpcode::text)) return false;
  fault = CloseReason::frame_too_big;
  const std::size_t before = fragments_ ? fragments_->bytes.size() : 0;
  return header.length <= rules.max_message_bytes - std::min(before, rules.max_message_bytes);
}

// Takes in the payload of a data frame; true when there is an event to return.
bool WsReader::take_data(const Header& header, std::span<char> payload, const WsRules& rules,
                         WsEvent& event) {
  const std::string_view bytes(payload.data(), payload.size());
  if (header.fin && !fragments_) {
    if (rules.text && !is_utf8(bytes)) {
      event = fault_event(CloseReason::invalid_utf8);
    } else {
      event.kind = WsEvent::Kind::message;
      event.payload = payload;
    }
    return true;
  }
  if (!fragments_) fragments_ = std::make_unique<Fragments>();
  fragments_->bytes.append(bytes);
  if (rules.text && (!fragments_->utf8.feed(bytes) || (header.fin && !fragments_->utf8.complete()))) {
    event = fault_event(CloseReason::invalid_utf8);
    return true;
  }
  if (!header.fin) return false;
  fragments_->complete = true;
  event.kind = WsEvent::Kind::message;
  event.payload = fragments_->bytes;
  return true;
}

namespace {

void take_close(std::span<char> payload, WsEvent& event) {
  event.kind = WsEvent::Kind::close;
  if (payload.empty()) return;
  if (payload.size() == 1) {
    event = fault_event(CloseReason::protocol_violation);
    return;
  }
  event.close_code = static_cast<std::uint16_t>((static_cast<std::uint8_t>(payload[0]) << 8) |
                                                static_cast<std::uint8_t>(payload[1]));
  event.payload = payload.subspan(2);
  if (!is_valid_close_code(event.close_code)) {
    event = fault_event(CloseReason::protocol_violation);
  } else if (!is_utf8({event.payload.data(), event.payload.size()})) {
    event = fault_event(CloseReason::invalid_utf8);
  }
}

}  // namespace

std::size_t WsReader::held_bytes() const {
  return fragments_ && !fragments_->complete ? fragments_->bytes.size() : 0;
}

WsEvent WsReader::next(std::span<char> input, const WsRules& rules) {
  if (fragments_ && fragments_->complete) fragments_.reset();
  std::size_t at = 0;
  for (;;) {
    WsEvent event;
    event.consumed = at;
    const std::span<char> rest = input.subspan(at);
    Header header;
    const WsEvent::Kind parsed = parse_header(rest, header);
    if (parsed == WsEvent::Kind::fault) return fault_event(CloseReason::protocol_violation);
    if (parsed == WsEvent::Kind::need_more) return event;
    CloseReason fault;
    if (!check_header(header, rules, fault)) return fault_event(fault);
    const std::size_t frame = header.size + static_cast<std::size_t>(header.length);
    if (rest.size() < frame) {
      event.needed = frame;
      if (header.fin && !is_control(header.opcode)) event.whole = frame + held_bytes();
      return event;
    }
    const std::span<char> payload = rest.subspan(header.size, static_cast<std::size_t>(header.length));
    unmask(payload, rest.data() + header.size - 4);
    at += frame;
    bool done = true;
    switch (header.opcode) {
      case WsOpcode::ping:
      case WsOpcode::pong:
        event.kind = header.opcode == WsOpcode::ping ? WsEvent::Kind::ping : WsEvent::Kind::pong;
        event.payload = payload;
        break;
      case WsOpcode::close:
        take_close(payload, event);
        break;
      default:
        done = take_data(header, payload, rules, event);
    }
    if (done) {
      event.consumed = at;
      return event;
    }
  }
}

void unmask(std::span<char> data, const char key[4]) {
  std::uint32_t key32;
  std::memcpy(&key32, key, 4);
  const std::uint64_t key64 = (static_cast<std::uint64_t>(key32) << 32) | key32;
  std::size_t i = 0;
  for (; i + 8 <= data.size(); i += 8) {
    std::uint64_t block;
    std::memcpy(&block, data.data() + i, 8);
    block ^= key64;
    std::memcpy(data.data() + i, &block, 8);
  }
  for (; i < data.size(); ++i) data[i] = static_cast<char>(data[i] ^ key[i & 3]);
}

std::size_t ws_header_size(std::size_t payload_bytes) {
  return payload_bytes < 126 ? 2 : payload_bytes <= 0xFFFF ? 4 : kMaxServerHeader;
}

void append_ws_header(std::string& out, WsOpcode opcode, std::size_t payload_bytes) {
  char header[kMaxServerHeader];
  const std::size_t size = ws_header_size(payload_bytes);
  header[0] = static_cast<char>(kFin | static_cast<std::uint8_t>(opcode));
  header[1] = static_cast<char>(size == 2 ? payload_bytes : size == 4 ? 126 : 127);
  for (std::size_t i = size; i > 2; --i) {
    header[i - 1] = static_cast<char>(payload_bytes & 0xFF);
    payload_bytes >>= 8;
  }
  out.append(header, size);
}

void append_ws_close(std::string& out, std::uint16_t code, std::string_view text) {
  const std::string_view cut = text.substr(0, kMaxControlPayload - 2);
  append_ws_header(out, WsOpcode::close, cut.size() + 2);
  out.push_back(static_cast<char>(code >> 8));
  out.push_back(static_cast<char>(code & 0xFF));
  out.append(cut);
}

bool is_valid_close_code(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

}  // namespace godwit::net
