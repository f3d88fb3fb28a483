// What sessions may do: limits and the way accounts are made.
#pragma once

#include <cstdint>

namespace godwit {

enum class RegistrationMode : std::uint8_t { open, invite, verified, closed };

// A rate and how much of it may be saved up. A rate of 0 is no limit.
struct Rate {
  std::uint32_t per_s = 0;
  std::uint32_t burst = 1;
};

// Copied to every worker; a reload replaces the copies.
struct SessionOptions {
  RegistrationMode registration = RegistrationMode::open;
  std::uint32_t keepalive_min_s = 15;
  std::uint32_t keepalive_max_s = 1740;
  std::uint32_t keepalive_default_s = 240;
  std::uint32_t window_envelopes = 256;
  std::uint32_t window_bytes = 1 << 20;
  std::uint32_t max_open_requests = 512;
  std::uint32_t output_budget_bytes = 256 * 1024;
  std::uint32_t max_payload_bytes = 65'536;
  std::uint32_t max_commit_bytes = 1 << 20;
  Rate device_requests{100, 1000};
  Rate user_requests{300, 3000};
  Rate address_requests{20'000, 40'000};
  std::uint32_t registrations_per_hour = 100;  // per address; 0 is no limit
  Rate logins{5000, 2000};                     // of the whole server; each worker admits its share
  std::int64_t inbox_retention_ms = 30LL * 24 * 3600 * 1000;
  std::int64_t link_ttl_ms = 300'000;
  std::uint32_t code_ttl_s = 600;
  std::int64_t last_seen_interval_ms = 300'000;
  std::int64_t export_interval_ms = 60'000;  // 0 is no limit
  std::uint32_t presence_ttl_s = 360;
  Rate typing{2, 20};
  std::uint32_t typing_ttl_ms = 5'000;
  std::uint32_t typing_max_members = 1'000;
  std::uint32_t reconnect_after_ms = 1000;
  std::uint32_t reconnect_jitter_ms = 5000;
  std::uint32_t max_status_payload_bytes = 16'384;
  std::size_t max_claim_bytes = 1 << 20;
  bool durable = true;  // journal.sync
};

}  // namespace godwit
