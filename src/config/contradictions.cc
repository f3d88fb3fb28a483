// Combinations of options that are each in bounds and make no sense together. A sentence says which, why, and
// what to change.
#include <algorithm>
#include <bit>
#include <utility>

#include "config/formats.h"
#include "config/validate.h"

namespace godwit::config {
namespace {

class Contradictions {
 public:
  void add(std::vector<std::string> keys, std::string sentence) {
    std::string all;
    for (const std::string& key : keys) all += (all.empty() ? "" : ", ") + key;
    found_.push_back({std::move(keys), all + ": " + std::move(sentence)});
  }
  std::vector<Contradiction> take() { return std::move(found_); }

 private:
  std::vector<Contradiction> found_;
};

bool is_loopback(const std::string& text) {
  const auto endpoint = parse_endpoint(text);
  return endpoint && endpoint->loopback;
}

void check_tls(const NetConfig& net, Contradictions& out) {
  const bool certificate = !net.tls_certificate.empty();
  const bool key = !net.tls_key.empty();
  if (certificate != key) {
    out.add({"net.tls_certificate", "net.tls_key"},
            "one is set without the other; TLS needs both, plain text needs neither");
  }
  if (certificate || key || net.allow_plaintext) return;
  for (const std::string& listen : net.listen) {
    if (is_loopback(listen)) continue;
    out.add({"net.listen", "net.tls_certificate", "net.allow_plaintext"},
            listen +
                " is beyond loopback and there is no certificate; set tls_certificate and tls_key, or "
                "allow_plaintext if a proxy in front ends TLS");
  }
}

void check_proxies(const NetConfig& net, Contradictions& out) {
  if (net.proxy_protocol && net.trusted_proxies.empty()) {
    out.add({"net.proxy_protocol", "net.trusted_proxies"},
            "the PROXY protocol is on and nobody is trusted to speak it; list the proxies' networks");
  }
}

void check_admin(const Config& config, Contradictions& out) {
  constexpr std::size_t kMinToken = 16;
  const auto& admin = config.admin;
  if (!is_loopback(admin.listen) && admin.token.empty()) {
    out.add({"admin.listen", "admin.token"},
            "the admin interface is beyond loopback and open to anyone; set a token or listen on loopback");
  } else if (!is_loopback(admin.listen) && admin.token.size() < kMinToken) {
    out.add(
        {"admin.listen", "admin.token"},
        "the admin interface is beyond loopback and its token can be guessed; use at least 16 characters");
  }
  const auto endpoint = parse_endpoint(admin.listen);
  for (const std::string& listen : config.net.listen) {
    if (endpoint && endpoint->port != 0 && parse_endpoint(listen) == endpoint) {
      out.add({"admin.listen", "net.listen"},
              "both are " + admin.listen + "; operators and clients need different ports");
    }
  }
}

void check_keepalive(const SessionConfig& session, Contradictions& out) {
  if (session.keepalive_min_s <= session.keepalive_default_s &&
      session.keepalive_default_s <= session.keepalive_max_s) {
    return;
  }
  out.add({"session.keepalive_min_s", "session.keepalive_default_s", "session.keepalive_max_s"},
          "they must ascend in this order, and are " + std::to_string(session.keepalive_min_s) + ", " +
              std::to_string(session.keepalive_default_s) + " and " +
              std::to_string(session.keepalive_max_s));
}

void check_sizes(const Config& config, Contradictions& out) {
  // Of a frame around a payload in base64: ids, names of fields, and what later versions add.
  constexpr std::int64_t kFrameOverhead = 4096;
  const auto base64 = [](std::int64_t bytes) { return (bytes + 2) / 3 * 4; };
  const std::int64_t frame = config.net.max_frame_bytes;
  const std::int64_t needed = base64(config.chat.max_payload_bytes) + kFrameOverhead;
  if (frame < needed) {
    out.add({"net.max_frame_bytes", "chat.max_payload_bytes"},
            "a message of the allowed size would not fit into a frame; max_frame_bytes must be at least " +
                std::to_string(needed));
  }
  // 8,000 devices that it lets in, each as a JSON object of 64 bytes.
  constexpr std::int64_t kJoins = 8'000 * 64;
  const std::int64_t commit = 4 * base64(config.chat.max_commit_bytes) + kJoins + kFrameOverhead;
  if (frame < commit) {
    out.add({"net.max_frame_bytes", "chat.max_commit_bytes"},
            "a commit of the allowed size would not fit into a frame; max_frame_bytes must be at least " +
                std::to_string(commit));
  }
  if (config.net.max_large_input_bytes < frame) {
    out.add({"net.max_large_input_bytes", "net.max_frame_bytes"},
            "not even one message of the allowed size could arrive; max_large_input_bytes must be at least " +
                std::to_string(frame));
  }
  const std::int64_t status = base64(config.status.max_payload_bytes) + kFrameOverhead;
  if (frame < status) {
    out.add({"net.max_frame_bytes", "status.max_payload_bytes"},
            "a status of the allowed size would not fit into a frame; max_frame_bytes must be at least " +
                std::to_string(status));
  }
  // Commits exceed both, one at a time.
  if (config.session.window_bytes < needed) {
    out.add({"session.window_bytes", "chat.max_payload_bytes"},
            "the largest message would never fit into the window; window_bytes must be at least " +
                std::to_string(needed));
  }
  if (config.session.output_budget_bytes < needed) {
    out.add({"session.output_budget_bytes", "chat.max_payload_bytes"},
            "the largest message would exceed the budget alone; output_budget_bytes must be at least " +
                std::to_string(needed));
  }
  // What is delivered within the budget, then a commit with its welcome, then a GroupInfo with its tree.
  const std::int64_t output =
      config.session.output_budget_bytes + 2 * (2 * base64(config.chat.max_commit_bytes) + kFrameOverhead);
  if (config.net.max_output_bytes < output) {
    out.add({"net.max_output_bytes", "session.output_budget_bytes", "chat.max_commit_bytes"},
            "connections would be closed before deliveries to them stop; max_output_bytes must be at least " +
                std::to_string(output));
  }
}

// Replies about keys, in JSON, on a connection whose deliveries use their budget.
void check_key_replies(const Config& config, Contradictions& out) {
  constexpr std::int64_t kProof = 1 << 20;       // 20,000 hashes
  constexpr std::int64_t kLogPage = 512 * 1024;  // 256 KiB of entries
  const std::int64_t keys = std::max(config.keys.max_claim_bytes / 2 * 3, kLogPage);
  const std::int64_t output = config.session.output_budget_bytes + keys + kProof;
  if (config.net.max_output_bytes < output) {
    out.add({"net.max_output_bytes", "session.output_budget_bytes", "keys.max_claim_bytes"},
            "connections would be closed by the keys and the proofs that they ask for; max_output_bytes must be at least " +
                std::to_string(output));
  }
}

void check_keys(const Config& config, Contradictions& out) {
  check_key_replies(config, out);
  if (config.keys.low_stock >= config.keys.max_per_stock) {
    out.add({"keys.low_stock", "keys.max_per_stock"}, "devices would be told to publish more than they may");
  }
}

void check_oidc(const AuthConfig& auth, Contradictions& out) {
  if (!auth.oidc_issuer.empty() && auth.oidc_audience.empty()) {
    out.add(
        {"auth.oidc_issuer", "auth.oidc_audience"},
        "there is an external issuer and no audience; tokens it made for other services would be accepted");
  }
  if (auth.oidc_issuer.empty() && !auth.oidc_jwks_url.empty()) {
    out.add({"auth.oidc_issuer", "auth.oidc_jwks_url"}, "there are keys of an external issuer, but not its name");
  }
  if (!auth.oidc_issuer.empty() && auth.oidc_issuer == auth.issuer) {
    out.add({"auth.issuer", "auth.oidc_issuer"},
            "both are the same; whose keys verify a token would be unclear");
  }
}

void check_tokens(const AuthConfig& auth, Contradictions& out) {
  if (auth.token_ttl_s > auth.key_rotation_h * 3600) {
    out.add({"auth.token_ttl_s", "auth.key_rotation_h"},
            "tokens would outlive the keys that sign them; rotate less often");
  }
  if (auth.leeway_s >= auth.token_ttl_s) {
    out.add({"auth.leeway_s", "auth.token_ttl_s"},
            "the leeway would double a token's life; it must be less than the ttl");
  }
}

void check_registration(const AccountConfig& account, Contradictions& out) {
  if (account.registration == Registration::verified && account.verify_webhook_url.empty()) {
    out.add({"account.registration", "account.verify_webhook_url"},
            "registration is verified and there is no webhook to send the codes; set its URL");
  }
}

void check_dedup(const ChatConfig& chat, Contradictions& out) {
  if (chat.max_clock_skew_s >= chat.dedup_window_h * 3600) {
    out.add({"chat.max_clock_skew_s", "chat.dedup_window_h"},
            "an id from a fast clock would outlast the window; the skew must be less than the window");
  }
}

void check_turn(const TurnConfig& turn, Contradictions& out) {
  constexpr std::size_t kMinSecret = 16;
  for (const std::string& item : turn.servers) {
    const auto server = parse_ice_server(item);
    if (!server || !server->turn || turn.secret.size() >= kMinSecret) continue;
    return out.add({"turn.servers", "turn.secret"},
                   turn.secret.empty() ? "there is a TURN server and no secret to make credentials of; set the one that the "
                                         "server has, in coturn static-auth-secret"
                                       : "the secret can be guessed, and with it anyone could relay; use at least 16 "
                                         "characters");
  }
}

void check_push(const PushConfig& push, Contradictions& out) {
  if (push.webhook_url.empty() && !push.webhook_secret.empty()) {
    out.add({"push.webhook_url", "push.webhook_secret"}, "there is a secret and no webhook; set its URL");
  }
}

void check_storage(const Config& config, Contradictions& out) {
  const auto partitions = static_cast<std::uint64_t>(config.storage.partitions);
  if (!std::has_single_bit(partitions)) {
    out.add({"storage.partitions"}, std::to_string(partitions) + " is not a power of two; the nearest are " +
                                        std::to_string(std::bit_floor(partitions)) + " and " +
                                        std::to_string(std::bit_ceil(partitions)));
  }
  // The four parts of a commit, the devices that it lets in, and the change that it comes with.
  constexpr std::int64_t kRecordOverhead = 192 * 1024;
  const std::int64_t record = 4 * config.chat.max_commit_bytes + kRecordOverhead;
  if (config.journal.segment_bytes < record) {
    out.add({"journal.segment_bytes", "chat.max_commit_bytes"},
            "a commit of the allowed size would not fit into a segment; segment_bytes must be at least " +
                std::to_string(record));
  }
  if (config.journal.checkpoint_bytes < config.journal.segment_bytes) {
    out.add({"journal.checkpoint_bytes", "journal.segment_bytes"},
            "checkpoints would come faster than segments end, and free nothing; checkpoint_bytes must not be "
            "less "
            "than segment_bytes");
  }
}

}  // namespace

std::vector<Contradiction> find_contradictions(const Config& config) {
  Contradictions out;
  check_tls(config.net, out);
  check_proxies(config.net, out);
  check_admin(config, out);
  check_keepalive(config.session, out);
  check_sizes(config, out);
  check_keys(config, out);
  check_oidc(config.auth, out);
  check_tokens(config.auth, out);
  check_registration(config.account, out);
  check_dedup(config.chat, out);
  check_turn(config.turn, out);
  check_push(config.push, out);
  check_storage(config, out);
  return out.take();
}

}  // namespace godwit::config
