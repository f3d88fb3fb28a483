#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace godwit::net {
namespace {

// Forward secrecy and AEAD only. AES-128 first: as safe in practice, and the fastest where AES-NI is.
constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!SHA1";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
// One read takes in several records of 16 KiB; the buffer is released when it is empty.
constexpr std::size_t kReadAheadBytes = 64 * 1024;
constexpr unsigned char kHttp11[] = "\x08http/1.1";

std::string last_error() {
  char text[256] = "unknown error";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

// A client that speaks only other protocols is refused with an alert (RFC 7301, section 3.2).
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11 - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// An encrypted key must not make a daemon ask its terminal.
int no_password(char*, int, int, void*) {
  return 0;
}

std::string set_policy(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadAheadBytes);
  SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
  SSL_CTX_set_default_passwd_cb(context, no_password);
  if (SSL_CTX_set_cipher_list(context, kCiphers12) != 1 ||
      SSL_CTX_set_ciphersuites(context, kCiphers13) != 1 || SSL_CTX_set1_groups_list(context, kGroups) != 1) {
    return "OpenSSL does not know the cipher policy: " + last_error();
  }
  return {};
}

// A context for both files, or what is wrong with them.
std::pair<SslContextPtr, std::string> load(const std::string& certificate_file, const std::string& key_file) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return {nullptr, "OpenSSL cannot make a TLS context: " + last_error()};
  if (std::string fault = set_policy(context.get()); !fault.empty()) return {nullptr, std::move(fault)};
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return {nullptr, "the certificate '" + certificate_file + "' cannot be read: " + last_error()};
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
    const std::string why = last_error();
    if (mismatch) {
      return {nullptr,
              "the key '" + key_file + "' does not belong to the certificate '" + certificate_file + "'"};
    }
    return {nullptr,
            "the key '" + key_file + "' cannot be read (it must be PEM, without a password): " + why};
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return {nullptr,
            "the key '" + key_file + "' does not belong to the certificate '" + certificate_file + "'"};
  }
  return {std::move(context), std::string()};
}

}  // namespace

void SslDelete::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

void SslDelete::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsContext::TlsContext(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {
  std::signal(SIGPIPE, SIG_IGN);
  auto [context, fault] = load(certificate_file_, key_file_);
  if (!context) throw std::runtime_error(fault);
  context_ = std::move(context);
}

TlsContext::~TlsContext() = default;

std::string TlsContext::reload() {
  auto [context, fault] = load(certificate_file_, key_file_);
  if (!context) return fault;
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
  return {};
}

SslPtr TlsContext::accept_on(int fd) {
  SslPtr ssl;
  {
    const std::lock_guard lock(mutex_);
    ssl.reset(SSL_new(context_.get()));
  }
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace godwit::net
