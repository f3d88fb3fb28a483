#include "net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

namespace godwit::net {
namespace {

class EchoSession final : public LinkUser {
 public:
  EchoSession(Link& link, SessionLog& log, const std::vector<std::unique_ptr<Worker>>& workers)
      : link_(link), log_(log), workers_(workers) {}
  ~EchoSession() override { ++log_.destroyed; }

  void on_open() override {
    check_worker();
    ++log_.opened;
    link_.allow_large_messages(std::hash<std::string>()(link_.peer().address));
    log_.last_secure = link_.peer().secure;
  }

  void on_message(std::span<char> payload) override {
    check_worker();
    inside_ = true;
    obey(std::string_view(payload.data(), payload.size()));
    inside_ = false;
  }

  void on_drained() override {
    check_worker();
    ++log_.drained;
  }

  void on_closed(CloseReason reason) override {
    check_worker();
    if (inside_) ++log_.nested_close;
    log_.last_close_reason = static_cast<int>(reason);
    ++log_.closed;
  }

 private:
  void check_worker() {
    if (!link_.worker().is_current()) ++log_.wrong_worker;
  }

  void say(std::string_view text) { link_.start_message(text.size()).append(text); }

  void obey(std::string_view text) {
    const auto number = [&](std::size_t prefix) {
      return std::atol(std::string(text.substr(prefix)).c_str());
    };
    if (text.starts_with("close:")) {
      link_.close(static_cast<CloseReason>(number(6)));
      say("after close");
    } else if (text.starts_with("move:")) {
      link_.move_to(*workers_[static_cast<std::size_t>(number(5))], [this] { check_worker(); });
    } else if (text == "bounce") {
      link_.move_to(*workers_[1], [this] {
        link_.move_to(*workers_[0], [this] { ++log_.arrived_after_close; });
        say("on the way");
        link_.close(CloseReason::replaced);
      });
    } else if (text.starts_with("flood:")) {
      const std::string block(16 * 1024, 'x');
      for (long sent = 0; sent < number(6); sent += static_cast<long>(block.size())) say(block);
    } else if (text.starts_with("idle:")) {
      link_.set_idle_timeout(static_cast<std::uint32_t>(number(5)));
    } else if (text == "who") {
      say(link_.peer().address + " " + (link_.peer().secure ? "secure" : "plain") + " " +
          link_.peer().user_agent);
    } else {
      say(text);
    }
  }

  Link& link_;
  SessionLog& log_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  bool inside_ = false;
};

HttpRoutes test_routes() {
  HttpRoutes routes;
  routes.add("GET", "/hello", [](HttpRequest request, const HttpReply& reply) {
    HttpResponse response;
    response.body = "hello " + request.remote_address + (request.secure ? " secure" : " plain");
    reply(std::move(response));
  });
  routes.add("POST", "/echo", [](HttpRequest request, const HttpReply& reply) {
    HttpResponse response;
    response.status = 201;
    response.body = std::move(request.body);
    reply(std::move(response));
  });
  routes.add("GET", "/big", [](HttpRequest, const HttpReply& reply) {
    HttpResponse response;
    response.body.assign(8 * 1024 * 1024, 'b');
    reply(std::move(response));
  });
  routes.add("GET", "/late", [](HttpRequest, HttpReply reply) {
    std::thread([reply = std::move(reply)] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      HttpResponse response;
      response.body = "late";
      reply(std::move(response));
    }).detach();
  });
  routes.add("GET", "/forgotten", [](HttpRequest, const HttpReply&) {});
  routes.add("GET", "/throws", [](HttpRequest, const HttpReply&) { throw std::runtime_error("on purpose"); });
  return routes;
}

void set_receive_timeout(int fd) {
  const timeval timeout{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

struct PkeyDelete {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

TestCertificate::TestCertificate() {
  std::string name = (std::filesystem::temp_directory_path() / "godwit-net-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
  renew(1);
}

TestCertificate::~TestCertificate() {
  std::filesystem::remove_all(folder_);
}

void TestCertificate::renew(long serial) {
  const std::unique_ptr<EVP_PKEY, PkeyDelete> pkey(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, PkeyDelete> cert(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
  X509_set_pubkey(cert.get(), pkey.get());
  X509_NAME* const subject = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                             -1, -1, 0);
  X509_set_issuer_name(cert.get(), subject);
  X509_sign(cert.get(), pkey.get(), EVP_sha256());
  const std::unique_ptr<std::FILE, PkeyDelete> cert_file(std::fopen(certificate().c_str(), "w"));
  PEM_write_X509(cert_file.get(), cert.get());
  const std::unique_ptr<std::FILE, PkeyDelete> key_file(std::fopen(key().c_str(), "w"));
  PEM_write_PrivateKey(key_file.get(), pkey.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

TestServer::TestServer(Options options, unsigned workers) {
  if (options.listen.empty()) options.listen = {"127.0.0.1:0"};
  // Echo sessions set no timeout of their own, and a busy machine may take long for the larger tests.
  if (options.hello_timeout_ms == Options{}.hello_timeout_ms) options.hello_timeout_ms = 300'000;
  std::vector<Worker*> pointers;
  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i));
    pointers.push_back(workers_.back().get());
  }
  server_ = std::make_unique<NetServer>(
      std::move(options), pointers, metrics_, test_routes(),
      [this](Link& link) { return std::make_unique<EchoSession>(link, log_, workers_); });
  server_->listen();
  port_ = server_->ports().front();
  for (const auto& worker : workers_) worker->start();
}

TestServer::~TestServer() {
  stop();
  server_.reset();
}

void TestServer::stop() {
  for (const auto& worker : workers_) worker->stop();
  for (const auto& worker : workers_) worker->join();
}

double TestServer::metric(const std::string& series) {
  const std::string text = "\n" + metrics_.render();
  const auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::atof(text.c_str() + at + series.size() + 2);
}

std::uint16_t Frame::close_code() const {
  if (payload.size() < 2) return kNoCloseCode;
  return static_cast<std::uint16_t>((static_cast<unsigned char>(payload[0]) << 8) |
                                    static_cast<unsigned char>(payload[1]));
}

TestClient::TestClient(std::uint16_t port, const std::string& source_address) {
  std::signal(SIGPIPE, SIG_IGN);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return;
  set_receive_timeout(fd_);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // The port is chosen by connect() then, which may reuse one that another server's connection has.
  ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, source_address.c_str(), &address.sin_addr);
  ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  address.sin_port = htons(port);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(std::exchange(fd_, -1));
  }
}

TestClient::TestClient(TestClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), context_(std::move(other.context_)), ssl_(std::move(other.ssl_)) {}

TestClient::~TestClient() {
  ssl_.reset();
  if (fd_ >= 0) ::close(fd_);
}

bool TestClient::start_tls(const TlsOptions& options) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (options.max_version != 0 && options.max_version < TLS1_2_VERSION) {
    SSL_CTX_set_security_level(context_.get(), 0);  // else the client itself refuses to offer it
  }
  SSL_CTX_set_min_proto_version(context_.get(), options.min_version);
  SSL_CTX_set_max_proto_version(context_.get(), options.max_version);
  ssl_.reset(SSL_new(context_.get()));
  if (!options.alpn.empty()) {
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(options.alpn.data()),
                        static_cast<unsigned>(options.alpn.size()));
  }
  SSL_set_fd(ssl_.get(), fd_);
  return SSL_connect(ssl_.get()) == 1;
}

long TestClient::peer_serial() const {
  const std::unique_ptr<X509, PkeyDelete> certificate(SSL_get1_peer_certificate(ssl_.get()));
  return certificate ? ASN1_INTEGER_get(X509_get_serialNumber(certificate.get())) : -1;
}

bool TestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n =
        ssl_ ? static_cast<ssize_t>(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())))
             : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void TestClient::finish_sending() {
  if (ssl_) SSL_shutdown(ssl_.get());
  ::shutdown(fd_, SHUT_WR);
}

std::string TestClient::receive(std::size_t bytes) {
  std::string data(bytes, 0);
  std::size_t got = 0;
  while (got < bytes) {
    const auto n = ssl_
                       ? static_cast<ssize_t>(SSL_read(ssl_.get(), &data[got], static_cast<int>(bytes - got)))
                       : ::recv(fd_, &data[got], bytes - got, 0);
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  data.resize(got);
  return data;
}

std::string TestClient::receive_all() {
  std::string all;
  for (std::string some = receive(1); !some.empty(); some = receive(1)) all += some;
  return all;
}

std::string TestClient::receive_response(bool head) {
  std::string response;
  while (!response.ends_with("\r\n\r\n")) {
    const std::string byte = receive(1);
    if (byte.empty()) return response;
    response += byte;
  }
  const auto length = response.find("Content-Length: ");
  if (!head && length != std::string::npos) {
    response += receive(static_cast<std::size_t>(std::atol(response.c_str() + length + 16)));
  }
  return response;
}

bool TestClient::is_closed_by_peer() {
  char byte;
  const ssize_t n = ::recv(fd_, &byte, 1, 0);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

int TestClient::upgrade(std::string_view protocols, std::string_view extra_headers) {
  send(upgrade_request(protocols, extra_headers));
  const std::string response = receive_response();
  return response.size() > 12 ? std::atoi(response.c_str() + 9) : 0;
}

bool TestClient::send_frame(WsOpcode opcode, std::string_view payload, bool fin) {
  return send(client_frame(opcode, payload, fin));
}

std::optional<Frame> TestClient::receive_frame() {
  const std::string start = receive(2);
  if (start.size() < 2) return std::nullopt;
  std::size_t length = static_cast<unsigned char>(start[1]);
  const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (extra > 0) {
    const std::string more = receive(extra);
    length = 0;
    for (const char c : more) length = (length << 8) | static_cast<unsigned char>(c);
  }
  Frame frame{static_cast<WsOpcode>(start[0] & 0x0F), receive(length)};
  if (frame.payload.size() != length) return std::nullopt;
  return frame;
}

std::string TestClient::echo(std::string_view payload, WsOpcode opcode) {
  send_frame(opcode, payload);
  const auto frame = receive_frame();
  return frame && frame->opcode == opcode ? frame->payload : "<no echo>";
}

std::string client_frame(WsOpcode opcode, std::string_view payload, bool fin, bool masked) {
  std::string frame;
  append_ws_header(frame, opcode, payload.size());
  if (!fin) frame[0] = static_cast<char>(frame[0] & 0x7F);
  if (!masked) return frame.append(payload);
  frame[1] = static_cast<char>(frame[1] | 0x80);
  const char key[4] = {0x12, static_cast<char>(0xA4), 0x5C, 0x01};
  frame.append(key, 4);
  const std::size_t at = frame.size();
  frame.append(payload);
  unmask(std::span<char>(frame).subspan(at), key);
  return frame;
}

std::string upgrade_request(std::string_view protocols, std::string_view extra_headers,
                            std::string_view path) {
  std::string request =
      "GET " + std::string(path) +
      " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  if (!protocols.empty()) request.append("Sec-WebSocket-Protocol: ").append(protocols).append("\r\n");
  return request.append(extra_headers).append("\r\n");
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace godwit::net
