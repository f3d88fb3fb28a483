#include "test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

namespace godwit {
namespace {

std::string pem_of(const std::function<int(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

template <class T>
T* from_pem(const std::string& pem, T* (*read)(BIO*, T**, pem_password_cb*, void*)) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  T* out = read(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return out;
}

// Plain or TLS, whichever the connection is.
class Peer {
 public:
  Peer(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}
  int read(char* to, int size) {
    return ssl_ != nullptr ? SSL_read(ssl_, to, size)
                           : static_cast<int>(::recv(fd_, to, static_cast<size_t>(size), 0));
  }
  int write(const char* from, int size) {
    if (ssl_ != nullptr) return SSL_write(ssl_, from, size);
    return static_cast<int>(::send(fd_, from, static_cast<size_t>(size), MSG_NOSIGNAL));
  }

 private:
  int fd_;
  SSL* ssl_;
};

bool is_complete(const std::string& request) {
  const std::size_t end = request.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::size_t length = request.find("Content-Length: ");
  const std::size_t body = length < end ? std::stoul(request.substr(length + 16)) : 0;
  return request.size() >= end + 4 + body;
}

}  // namespace

TestCertificate TestCertificate::make(const std::string& san) {
  EVP_PKEY* key = EVP_EC_gen("prime256v1");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_NAME* name = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1,
                             0);
  X509_set_issuer_name(cert, name);
  X509V3_CTX context;
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  for (const auto& [nid, value] :
       {std::pair{NID_subject_alt_name, san}, {NID_basic_constraints, "critical,CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(cert, key, EVP_sha256());
  TestCertificate out;
  out.certificate = pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, cert); });
  out.key = pem_of(
      [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(cert);
  EVP_PKEY_free(key);
  return out;
}

TestServer::TestServer(Handler handler, const TestCertificate* certificate)
    : handler_(std::move(handler)), tls_(nullptr, SSL_CTX_free) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  if (certificate != nullptr) {
    tls_.reset(SSL_CTX_new(TLS_server_method()));
    X509* cert = from_pem<X509>(certificate->certificate, PEM_read_bio_X509);
    EVP_PKEY* key = from_pem<EVP_PKEY>(certificate->key, PEM_read_bio_PrivateKey);
    SSL_CTX_use_certificate(tls_.get(), cert);
    SSL_CTX_use_PrivateKey(tls_.get(), key);
    X509_free(cert);
    EVP_PKEY_free(key);
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no loopback listener");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

TestServer::~TestServer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

void TestServer::run() {
  while (!stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const timeval limit{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    serve(fd);
    ::close(fd);
  }
}

void TestServer::serve(int fd) {
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(tls_ ? SSL_new(tls_.get()) : nullptr, SSL_free);
  if (ssl) {
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) != 1) return;
  }
  Peer peer(fd, ssl.get());
  std::string request;
  char buffer[4096];
  while (!is_complete(request)) {
    const int n = peer.read(buffer, sizeof(buffer));
    if (n <= 0) return;
    request.append(buffer, static_cast<std::size_t>(n));
  }
  ++requests_;
  const std::string answer = handler_(request);
  if (answer.empty()) {
    peer.read(buffer, sizeof(buffer));  // until the client goes
    return;
  }
  std::size_t done = 0;
  while (done < answer.size()) {
    const int n = peer.write(answer.data() + done,
                             static_cast<int>(std::min<std::size_t>(answer.size() - done, 16384)));
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace godwit
