// WebSocket frames from hostile bytes: the same events however the stream is cut, bounds held.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/utf8.h"
#include "net/ws_frame.h"

namespace {

using godwit::net::WsEvent;
using godwit::net::WsReader;
using godwit::net::WsRules;

void check(bool condition) {
  if (!condition) std::abort();
}

void append_event(const WsEvent& event, const WsRules& rules, std::string& trace) {
  check(event.payload.size() <= rules.max_message_bytes ||
        event.payload.size() <= godwit::net::kMaxControlPayload);
  const std::string_view payload(event.payload.data(), event.payload.size());
  if (event.kind == WsEvent::Kind::message && rules.text) check(godwit::net::is_utf8(payload));
  trace.push_back(static_cast<char>('A' + static_cast<int>(event.kind)));
  trace.append(payload).push_back('\n');
  if (event.kind == WsEvent::Kind::fault)
    trace.push_back(static_cast<char>('a' + static_cast<int>(event.fault)));
}

// Presents the bytes in pieces of `step`, as a socket would.
std::string run(std::string bytes, const WsRules& rules, std::size_t step) {
  WsReader reader;
  std::string pending;
  std::string trace;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    pending.append(bytes, at, step);
    for (;;) {
      const WsEvent event = reader.next(pending, rules);
      check(event.consumed <= pending.size());
      if (event.kind != WsEvent::Kind::need_more) append_event(event, rules, trace);
      if (event.kind == WsEvent::Kind::fault || event.kind == WsEvent::Kind::close) return trace;
      pending.erase(0, event.consumed);
      if (event.kind == WsEvent::Kind::need_more) {
        check(event.needed == 0 || event.needed > pending.size());
        break;
      }
    }
  }
  return trace;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const WsRules rules{.max_message_bytes = 300, .text = (data[0] & 1) != 0};
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (bytes.empty()) return 0;
  const std::string whole = run(bytes, rules, bytes.size());
  check(run(bytes, rules, 1 + data[1] % 16) == whole);
  return 0;
}
