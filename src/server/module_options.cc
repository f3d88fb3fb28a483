#include "server/module_options.h"

#include <algorithm>
#include <thread>

namespace godwit {
namespace {

std::uint32_t u32(std::int64_t value) {
  return static_cast<std::uint32_t>(value);
}

std::uint64_t u64(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

RegistrationMode registration_mode(Registration registration) {
  switch (registration) {
    case Registration::open:
      return RegistrationMode::open;
    case Registration::invite:
      return RegistrationMode::invite;
    case Registration::verified:
      return RegistrationMode::verified;
    case Registration::closed:
      return RegistrationMode::closed;
  }
  return RegistrationMode::closed;
}

}  // namespace

unsigned worker_count(const Config& config) {
  const auto wanted = static_cast<unsigned>(config.server.workers);
  return std::clamp(wanted == 0 ? std::thread::hardware_concurrency() : wanted, 1U, 64U);
}

StoreOptions store_options(const Config& config) {
  return {config.server.data_dir + "/store", static_cast<unsigned>(config.storage.partitions),
          u64(config.storage.block_cache_bytes), config.inbox.retention_days * 24 * 3600 * 1000};
}

LocalJournalOptions journal_options(const Config& config) {
  LocalJournalOptions options;
  options.directory = config.server.data_dir + "/journal";
  options.sync = config.journal.sync;
  options.segment_bytes = u64(config.journal.segment_bytes);
  options.queue_bytes = u64(config.journal.queue_bytes);
  options.commit_interval_us = u32(config.journal.commit_interval_us);
  options.min_free_bytes = u64(config.storage.min_free_bytes);
  return options;
}

CheckpointOptions checkpoint_options(const Config& config) {
  return {config.journal.checkpoint_interval_ms, u64(config.journal.checkpoint_bytes)};
}

ShardOptions shard_options(const Config& config) {
  const std::size_t workers = worker_count(config);
  ShardOptions options;
  options.chat.dedup_window_ms = config.chat.dedup_window_h * 3600 * 1000;
  options.chat.max_clock_skew_ms = config.chat.max_clock_skew_s * 1000;
  options.chat.watermark_interval_ms = config.chat.watermark_interval_ms;
  options.chat.receipt_interval_ms = config.chat.receipt_interval_ms;
  options.chat.groups.max_members = static_cast<std::uint32_t>(config.chat.max_members);
  options.chat.group_messages_per_s = static_cast<std::uint32_t>(config.chat.group_messages_per_s);
  options.chat.group_sender_messages_per_s = static_cast<std::uint32_t>(config.chat.group_sender_messages_per_s);
  options.chat.history_page_max = u32(config.chat.history_page_max);
  // 8,000 devices that it lets in, twice, and payloads for devices.
  constexpr std::size_t kBesideContent = 512 * 1024;
  options.chat.max_held_chat_bytes =
      2 * (std::max(4 * u64(config.chat.max_commit_bytes), u64(config.chat.max_payload_bytes)) + kBesideContent);
  options.chat.max_held_bytes =
      std::max<std::size_t>(u64(config.chat.max_held_bytes) / workers, options.chat.max_held_chat_bytes);
  options.chat.cached_chats = u64(config.storage.cached_chats) / workers;
  options.account.max_devices = u32(config.account.max_devices);
  options.account.contact_lookups_per_day = u32(config.account.contact_lookups_per_day);
  options.account.last_seen_interval_ms = config.account.last_seen_interval_s * 1000;
  options.account.cached_users = u64(config.storage.cached_users) / workers;
  options.account.verification.code_ttl_ms = config.account.code_ttl_s * 1000;
  options.account.verification.attempts = u32(config.account.code_attempts);
  options.call = call_options(config);
  options.key_log.key_file = config.server.data_dir + "/key-log.key";
  options.key_log.max_entries = u64(config.keys.max_log_entries);
  options.keys.max_devices = u64(config.account.max_devices);
  options.keys.max_per_stock = u64(config.keys.max_per_stock);
  options.keys.low_stock = u64(config.keys.low_stock);
  options.keys.published_per_hour = u32(config.keys.published_per_hour);
  options.keys.claims_per_hour = u32(config.keys.claims_per_hour);
  options.keys.lookups_per_hour = u32(config.keys.lookups_per_hour);
  options.keys.identities_per_day = u32(config.keys.identities_per_day);
  options.keys.claimed = {u32(config.keys.claimed_per_hour), u32(config.keys.claimed_per_claimer)};
  options.keys.cached_users = std::max<std::size_t>(1, u64(config.keys.cached_users) / workers);
  options.max_verify_bytes = u64(config.keys.max_verify_bytes);
  options.max_claims_bytes = u64(config.keys.max_claims_bytes);
  options.inbox.max_entries = u64(config.inbox.max_entries);
  options.presence.update_interval_ms = config.presence.update_interval_ms;
  options.presence.updates_per_s = std::max(1U, u32(config.presence.updates_per_s) / static_cast<unsigned>(workers));
  options.presence.max_watched = u32(config.presence.max_watched);
  options.cached_inboxes = u64(config.storage.cached_users) / workers;
  options.status.ttl_ms = config.status.ttl_s * 1000;
  options.status.max_clock_skew_ms = config.chat.max_clock_skew_s * 1000;
  options.status.posts_per_day = u32(config.status.posts_per_day);
  options.status.view_interval_ms = config.status.view_interval_ms;
  options.status.cached_users = u64(config.storage.cached_users) / workers;
  options.status.user.max_feed = u64(config.status.max_feed);
  options.status.user.max_live_posts = u64(config.status.max_live_posts);
  return options;
}

SessionOptions session_options(const Config& config) {
  SessionOptions options;
  options.registration = registration_mode(config.account.registration);
  options.keepalive_min_s = u32(config.session.keepalive_min_s);
  options.keepalive_max_s = u32(config.session.keepalive_max_s);
  options.keepalive_default_s = u32(config.session.keepalive_default_s);
  options.window_envelopes = u32(config.session.window_envelopes);
  options.window_bytes = u32(config.session.window_bytes);
  options.max_open_requests = u32(config.session.max_open_requests);
  options.output_budget_bytes = u32(config.session.output_budget_bytes);
  options.max_payload_bytes = u32(config.chat.max_payload_bytes);
  options.max_commit_bytes = u32(config.chat.max_commit_bytes);
  options.device_requests = {u32(config.limits.device_requests_per_s), u32(config.limits.device_requests_burst)};
  options.user_requests = {u32(config.limits.user_requests_per_s), u32(config.limits.user_requests_burst)};
  options.address_requests = {u32(config.limits.address_requests_per_s), u32(config.limits.address_requests_burst)};
  options.registrations_per_hour = u32(config.limits.address_registrations_per_hour);
  options.logins = {u32(config.server.login_rate_per_s), u32(config.server.login_burst)};
  options.inbox_retention_ms = config.inbox.retention_days * 24 * 3600 * 1000;
  options.link_ttl_ms = config.account.link_ttl_s * 1000;
  options.last_seen_interval_ms = config.account.last_seen_interval_s * 1000;
  options.export_interval_ms = config.account.export_interval_s * 1000;
  options.code_ttl_s = u32(config.account.code_ttl_s);
  options.presence_ttl_s = u32(config.presence.ttl_s);
  options.typing = {u32(config.presence.typing_rate_per_s), u32(config.presence.typing_burst)};
  options.typing_ttl_ms = u32(config.presence.typing_ttl_ms);
  options.typing_max_members = u32(config.presence.typing_max_members);
  options.reconnect_after_ms = u32(config.server.reconnect_after_ms);
  options.reconnect_jitter_ms = u32(config.server.reconnect_jitter_ms);
  options.durable = config.journal.sync;
  options.max_status_payload_bytes = u32(config.status.max_payload_bytes);
  options.max_claim_bytes = u64(config.keys.max_claim_bytes);
  return options;
}

auth::TokenIssuer::Options issuer_options(const Config& config) {
  auth::TokenIssuer::Options options;
  options.issuer = config.auth.issuer;
  options.audience = config.auth.audience;
  options.key_file = config.server.data_dir + "/token-keys.json";
  options.ttl_s = config.auth.token_ttl_s;
  options.leeway_s = config.auth.leeway_s;
  options.rotate_after_s = config.auth.key_rotation_h * 3600;
  return options;
}

auth::OidcVerifier::Options oidc_options(const Config& config) {
  auth::OidcVerifier::Options options;
  options.issuer = config.auth.oidc_issuer;
  options.audience = config.auth.oidc_audience;
  options.jwks_url = config.auth.oidc_jwks_url;
  options.handle_claim = config.auth.oidc_handle_claim;
  options.leeway_s = config.auth.leeway_s;
  return options;
}

CodeSender::Options code_sender_options(const Config& config) {
  return {config.account.verify_webhook_url, config.account.verify_webhook_secret, u32(config.account.code_ttl_s)};
}

CallOptions call_options(const Config& config) {
  CallOptions options;
  options.ring_ms = config.call.ring_s * 1000;
  options.reconnect_ms = config.call.reconnect_s * 1000;
  options.max_duration_ms = config.call.max_duration_s * 1000;
  options.max_payload_bytes = u32(config.call.max_payload_bytes);
  options.max_buffered_bytes = u64(config.call.max_buffered_bytes);
  options.invites_per_minute = u32(config.call.invites_per_minute);
  options.signals_per_s = u32(config.call.signals_per_s);
  options.max_ringing = u64(config.call.max_ringing);
  options.max_calls = config.call.max_calls;
  options.max_participants = u64(config.call.max_participants);
  options.max_sfu_participants = u64(config.call.max_sfu_participants);
  options.max_clock_skew_ms = config.chat.max_clock_skew_s * 1000;
  options.credentials_per_day = u32(config.turn.credentials_per_day);
  options.ice = {config.turn.servers, config.turn.secret, config.turn.ttl_s};
  return options;
}

WakeUpSender::Options wake_up_options(const Config& config) {
  WakeUpSender::Options options;
  options.url = config.push.webhook_url;
  options.secret = config.push.webhook_secret;
  return options;
}

net::Options client_port_options(const Config& config) {
  net::Options options;
  options.name = "client";
  options.listen = config.net.listen;
  options.tls_certificate = config.net.tls_certificate;
  options.tls_key = config.net.tls_key;
  options.proxy_protocol = config.net.proxy_protocol;
  options.trusted_proxies = config.net.trusted_proxies;
  options.max_connections = u32(config.net.max_connections);
  options.max_connections_per_address = u32(config.net.max_connections_per_address);
  options.accept_rate_per_s = u32(config.net.accept_rate_per_s);
  options.handshake_timeout_ms = u32(config.net.handshake_timeout_ms);
  options.hello_timeout_ms = u32(config.session.hello_timeout_ms);
  options.max_header_bytes = u32(config.net.max_header_bytes);
  options.max_frame_bytes = u32(config.net.max_frame_bytes);
  options.max_large_input_bytes = u64(config.net.max_large_input_bytes);
  options.message_timeout_ms = u32(config.net.message_timeout_ms);
  options.max_output_bytes = u32(config.net.max_output_bytes);
  options.output_budget_bytes = u32(config.session.output_budget_bytes);
  return options;
}

net::Options admin_port_options(const Config& config) {
  net::Options options;
  options.name = "admin";
  options.listen = {config.admin.listen};
  options.max_connections = 256;
  options.max_connections_per_address = 256;
  options.allow_upgrade = false;
  return options;
}

}  // namespace godwit
