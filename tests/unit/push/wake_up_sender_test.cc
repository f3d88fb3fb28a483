// Wake-ups to a gateway that takes them, refuses them, or is not there.
#include "push/wake_up_sender.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hmac.h"
#include "base/random.h"

namespace godwit {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

// Answers each request with the next status, the last one for ever.
class Gateway {
 public:
  explicit Gateway(std::vector<int> statuses) : statuses_(std::move(statuses)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Gateway() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/wake"; }
  std::vector<std::string> requests(std::size_t at_least) {
    for (int i = 0; i < 500; ++i) {
      {
        const std::lock_guard lock(mutex_);
        if (requests_.size() >= at_least) return requests_;
      }
      std::this_thread::sleep_for(milliseconds(10));
    }
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void run() {
    for (;;) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      const std::string request = read_request(connection);
      int status = 0;
      {
        const std::lock_guard lock(mutex_);
        status = statuses_[std::min(requests_.size(), statuses_.size() - 1)];
        requests_.push_back(request);
      }
      const std::string answer = "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      (void)!write(connection, answer.data(), answer.size());
      close(connection);
    }
  }
  static std::string read_request(int connection) {
    std::string request;
    char bytes[4096];
    for (;;) {
      const std::size_t end = request.find("\r\n\r\n");
      const std::size_t length = request.find("Content-Length: ");
      if (end != std::string::npos && length != std::string::npos &&
          request.size() >= end + 4 + std::strtoul(request.c_str() + length + 16, nullptr, 10)) {
        return request;
      }
      const ssize_t got = read(connection, bytes, sizeof bytes);
      if (got <= 0) return request;
      request.append(bytes, static_cast<std::size_t>(got));
    }
  }

  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<int> statuses_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

class WakeUps : public ::testing::Test {
 protected:
  WakeUps() { init_crypto(); }
  double count(const std::string& name) { return metrics_.counter("godwit_wake_ups_" + name + "_total", "x").Value(); }
  double await(const std::string& name, double wanted) {
    for (int i = 0; i < 500 && count(name) < wanted; ++i) std::this_thread::sleep_for(milliseconds(10));
    return count(name);
  }
  Metrics metrics_;
  const CallWakeUp wake_{UserId(18'446'744'073'709'551'615ULL), {DeviceId(2), DeviceId(3)}, "0123abcd", 45};
};

TEST_F(WakeUps, say_who_is_to_be_woken_and_nothing_else_and_are_signed) {
  Gateway gateway({200});
  WakeUpSender sender({gateway.url(), "secret", 10}, metrics_);
  sender.send(wake_);
  const auto requests = gateway.requests(1);
  ASSERT_EQ(requests.size(), 1U);
  const std::string body = requests[0].substr(requests[0].find("\r\n\r\n") + 4);
  EXPECT_EQ(nlohmann::json::parse(body), nlohmann::json::parse(R"({"event": "call", "urgency": "high",
      "user": "18446744073709551615", "devices": [2, 3], "collapse": "0123abcd", "expires_s": 45})"));
  EXPECT_THAT(requests[0], HasSubstr("POST /wake HTTP/1.1"));
  EXPECT_THAT(requests[0], HasSubstr("Godwit-Signature: sha256=" + hex(hmac_sha256("secret", body))));
  EXPECT_EQ(await("sent", 1), 1);
}

TEST_F(WakeUps, without_a_secret_are_not_signed) {
  Gateway gateway({204});
  WakeUpSender sender({gateway.url(), "", 10}, metrics_);
  sender.send(wake_);
  EXPECT_THAT(gateway.requests(1).at(0), Not(HasSubstr("Godwit-Signature")));
}

TEST_F(WakeUps, are_tried_again_until_the_gateway_takes_them) {
  Gateway gateway({503, 500, 200});
  WakeUpSender sender({gateway.url(), "", 10}, metrics_);
  sender.send(wake_);
  EXPECT_EQ(await("sent", 1), 1);
  EXPECT_EQ(gateway.requests(3).size(), 3U);
  EXPECT_EQ(count("retried"), 2);
  EXPECT_EQ(count("failed"), 0);
}

TEST_F(WakeUps, end_when_the_call_no_longer_rings) {
  Gateway gateway({503});
  WakeUpSender sender({gateway.url(), "", 200}, metrics_);
  CallWakeUp wake = wake_;
  wake.expires_s = 1;
  sender.send(wake);
  EXPECT_EQ(await("failed", 1), 1);
  EXPECT_EQ(count("sent"), 0);
  EXPECT_GE(gateway.requests(1).size(), 2U);
  EXPECT_LE(gateway.requests(1).size(), 4U);
}

TEST_F(WakeUps, beyond_the_queue_are_dropped) {
  // Takes connections and never answers, until it is closed.
  const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(silent, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(silent, 16), 0);
  getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size);
  WakeUpSender sender({"http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/", "", 60'000}, metrics_);
  constexpr std::size_t kUnderWay = WakeUpSender::kThreads;
  for (std::size_t i = 0; i < WakeUpSender::kMaxQueue + kUnderWay + 10; ++i) sender.send(wake_);
  EXPECT_GE(count("dropped"), 10);
  EXPECT_LE(count("dropped"), 10 + kUnderWay);
  close(silent);
}

}  // namespace
}  // namespace godwit
