#include "net/options.h"

#include <stdexcept>

#include "net/ip_address.h"
#include "net/ws_frame.h"

namespace godwit::net {

void validate(const Options& options) {
  std::string faults;
  const auto require = [&](bool good, const char* sentence) {
    if (!good) faults += (faults.empty() ? "" : "; ") + std::string(sentence);
  };
  require(!options.listen.empty(), "there is no address to listen on");
  require(options.tls_certificate.empty() == options.tls_key.empty(),
          "tls_certificate and tls_key must be given together");
  require(!options.proxy_protocol || !options.trusted_proxies.empty(),
          "proxy_protocol is on, but trusted_proxies names nobody who may use it");
  require(options.max_connections > 0, "max_connections is 0");
  require(options.handshake_timeout_ms > 0 && options.hello_timeout_ms > 0 &&
              options.closing_timeout_ms > 0 && options.message_timeout_ms > 0 && options.reply_timeout_ms > 0 &&
              options.tick_ms > 0,
          "timeouts must be longer than 0");
  require(options.max_header_bytes >= 256, "max_header_bytes is below 256, which no browser's request fits");
  require(options.max_frame_bytes >= kMaxControlPayload,
          "max_frame_bytes is below 125, the size of a close frame");
  require(options.output_budget_bytes > 0 && options.output_budget_bytes <= options.max_output_bytes,
          "output_budget_bytes must be above 0 and not above max_output_bytes");
  require(!options.allow_upgrade || options.websocket_path.starts_with('/'),
          "websocket_path must begin with '/'");
  try {
    Networks{options.trusted_proxies};
  } catch (const std::runtime_error& error) {
    require(false, error.what());
  }
  if (!faults.empty()) throw std::runtime_error("listener '" + options.name + "': " + faults);
}

}  // namespace godwit::net
