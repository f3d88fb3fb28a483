// Hands verification codes to the operator's provider of SMS or mail: one HTTP call each, off the workers.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/http_client.h"
#include "base/metrics.h"

namespace godwit {

// POSTs {"handle": ..., "code": ..., "expires_s": ...} to the webhook, with the header
// `Godwit-Signature: sha256=<hex>`, the HMAC-SHA256 (RFC 2104) of the body, when there is a secret. Any answer
// but 2xx counts as failed.
//
// One thread. Bound: kMaxQueue calls waiting, beyond which a call fails at once.
class CodeSender {
 public:
  static constexpr std::size_t kMaxQueue = 1'000;
  struct Options {
    std::string url;
    std::string secret;
    std::uint32_t expires_s = 600;
  };

  CodeSender(Options options, Metrics& metrics);
  ~CodeSender();

  // `done(ok)` runs on the sender's thread.
  void send(std::string handle, std::string code, std::function<void(bool)> done);

 private:
  struct Call {
    std::string handle;
    std::string code;
    std::function<void(bool)> done;
  };
  void run();
  bool post(const Call& call);

  const Options options_;
  HttpClient client_;
  Counter& sent_;
  Counter& failed_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Call> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace godwit
