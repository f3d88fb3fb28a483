// What the net folder counts, as verbs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "godwit/close_reason.h"

namespace godwit::net {

// Why a socket was closed before a byte of it was read.
enum class Refusal : std::uint8_t { total_limit, address_limit, rate };
// Why a connection ended before the upgrade without having asked for anything.
enum class HandshakeFailure : std::uint8_t { timeout, proxy_header, tls, gone, address_limit };

// Bytes and frames are too many to count one by one in shared counters: each shard tallies them and hands
// them over once a tick.
struct TrafficTally {
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
};

// Thread-safe. Every metric has the label listener="<name>".
class Probe {
 public:
  Probe(Metrics& metrics, const std::string& listener);

  void opened() { open_.Increment(); }
  void ended() { open_.Decrement(); }
  void accepted() { accepted_.Increment(); }
  void refused(Refusal why) { refused_[static_cast<std::size_t>(why)]->Increment(); }
  void accept_failed() { accept_failures_.Increment(); }
  void tls_established() { tls_handshakes_.Increment(); }
  void handshake_failed(HandshakeFailure why) {
    handshake_failures_[static_cast<std::size_t>(why)]->Increment();
  }
  void upgraded() { upgrades_.Increment(); }
  void websocket_closed(CloseReason why) { closed_[static_cast<std::size_t>(why)]->Increment(); }
  void answered(int status);
  void moved() { moves_.Increment(); }
  void large_input_refused() { large_refused_.Increment(); }
  void large_inputs(std::uint64_t bytes, std::uint64_t waiting) {
    large_bytes_.Set(static_cast<double>(bytes));
    large_waiting_.Set(static_cast<double>(waiting));
  }
  void add(const TrafficTally& tally);

 private:
  Gauge& open_;
  Counter& accepted_;
  Counter& accept_failures_;
  Counter& tls_handshakes_;
  Counter& upgrades_;
  Counter& moves_;
  Counter& large_refused_;
  Gauge& large_bytes_;
  Gauge& large_waiting_;
  Counter& bytes_in_;
  Counter& bytes_out_;
  Counter& messages_in_;
  Counter& messages_out_;
  std::vector<Counter*> refused_;
  std::vector<Counter*> handshake_failures_;
  std::vector<Counter*> closed_;
  std::vector<Counter*> answered_;
};

}  // namespace godwit::net
