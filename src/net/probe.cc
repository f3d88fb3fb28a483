#include "net/probe.h"

#include <algorithm>
#include <iterator>

namespace godwit::net {
namespace {

constexpr std::array kRefusals = {"total_limit", "address_limit", "rate"};
constexpr std::array kHandshakeFailures = {"timeout", "proxy_header", "tls", "gone", "address_limit"};
// Others are counted as 0, so that a route cannot make series without bound.
constexpr std::array kStatuses = {0,   200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 403, 404, 405, 409,
                                  410, 413, 415, 416, 422, 426, 429, 431, 500, 501, 502, 503, 504, 507};

}  // namespace

Probe::Probe(Metrics& metrics, const std::string& listener)
    : open_(metrics.gauge("godwit_net_connections", "Open connections.", {{"listener", listener}})),
      accepted_(
          metrics.counter("godwit_net_accepted_total", "Accepted connections.", {{"listener", listener}})),
      accept_failures_(metrics.counter("godwit_net_accept_failures_total",
                                       "Times that accept failed for want of descriptors or memory.",
                                       {{"listener", listener}})),
      tls_handshakes_(metrics.counter("godwit_net_tls_handshakes_total", "TLS handshakes completed.",
                                      {{"listener", listener}})),
      upgrades_(metrics.counter("godwit_net_upgrades_total", "Connections upgraded to WebSocket.",
                                {{"listener", listener}})),
      moves_(metrics.counter("godwit_net_moves_total", "WebSocket connections handed to another worker.",
                             {{"listener", listener}})),
      large_refused_(metrics.counter("godwit_net_large_inputs_refused_total",
                                     "WebSocket connections ended for want of room for a large message.",
                                     {{"listener", listener}})),
      large_bytes_(metrics.gauge("godwit_net_large_input_bytes",
                                 "Bytes of large messages that have room and are not complete.",
                                 {{"listener", listener}})),
      large_waiting_(metrics.gauge("godwit_net_large_input_waiting_bytes",
                                   "Bytes that were read of large messages that wait for room.",
                                   {{"listener", listener}})),
      bytes_in_(metrics.counter("godwit_net_received_bytes_total", "Bytes received, without TLS.",
                                {{"listener", listener}})),
      bytes_out_(metrics.counter("godwit_net_sent_bytes_total", "Bytes sent, without TLS.",
                                 {{"listener", listener}})),
      messages_in_(metrics.counter("godwit_net_received_messages_total", "WebSocket messages received.",
                                   {{"listener", listener}})),
      messages_out_(metrics.counter("godwit_net_sent_messages_total", "WebSocket messages sent.",
                                    {{"listener", listener}})) {
  for (const char* reason : kRefusals) {
    refused_.push_back(&metrics.counter("godwit_net_refused_total",
                                        "Connections closed before anything was read.",
                                        {{"listener", listener}, {"reason", reason}}));
  }
  for (const char* reason : kHandshakeFailures) {
    handshake_failures_.push_back(&metrics.counter("godwit_net_handshake_failures_total",
                                                   "Connections that ended before a complete request.",
                                                   {{"listener", listener}, {"reason", reason}}));
  }
  for (const CloseInfo& info : close_table()) {
    closed_.push_back(&metrics.counter("godwit_net_websocket_closed_total", "WebSocket connections ended.",
                                       {{"listener", listener}, {"reason", std::string(info.name)}}));
  }
  for (const int status : kStatuses) {
    answered_.push_back(&metrics.counter(
        "godwit_net_http_responses_total", "HTTP responses, without upgrades.",
        {{"listener", listener}, {"status", status == 0 ? "other" : std::to_string(status)}}));
  }
}

void Probe::answered(int status) {
  const auto it = std::find(kStatuses.begin(), kStatuses.end(), status);
  answered_[it == kStatuses.end() ? 0 : static_cast<std::size_t>(std::distance(kStatuses.begin(), it))]
      ->Increment();
}

void Probe::add(const TrafficTally& tally) {
  if (tally.bytes_in != 0) bytes_in_.Increment(static_cast<double>(tally.bytes_in));
  if (tally.bytes_out != 0) bytes_out_.Increment(static_cast<double>(tally.bytes_out));
  if (tally.messages_in != 0) messages_in_.Increment(static_cast<double>(tally.messages_in));
  if (tally.messages_out != 0) messages_out_.Increment(static_cast<double>(tally.messages_out));
}

}  // namespace godwit::net
