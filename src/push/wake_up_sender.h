// Asks the operator's push gateway to wake devices up: HTTP calls, off the workers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/http_client.h"
#include "base/metrics.h"
#include "godwit/ids.h"

namespace godwit {

// Somebody calls, and these devices of the user have no connection. Says neither who calls nor what.
struct CallWakeUp {
  UserId user;
  std::vector<DeviceId> devices;
  std::string collapse;         // the same for the same call
  std::uint32_t expires_s = 0;  // of no use afterwards
};

// POSTs {"event": "call", "urgency": "high", "user": "...", "devices": [...], "collapse": "...", "expires_s": ...}
// with the header `Godwit-Signature: sha256=<hex>`, the HMAC-SHA256 (RFC 2104) of the body, when there is a
// secret. User ids are decimal text, since JSON numbers do not hold 64 bits everywhere. Any answer but 2xx is
// tried again, each time after twice as long, until the wake-up expires.
//
// kThreads threads, so that a gateway that answers slowly holds up no more than it must. Bound: kMaxQueue
// wake-ups waiting, beyond which one is dropped.
class WakeUpSender {
 public:
  static constexpr std::size_t kMaxQueue = 1'000;
  static constexpr int kThreads = 4;
  struct Options {
    std::string url;
    std::string secret;
    std::int64_t retry_ms = 1'000;  // after the first failure
  };

  WakeUpSender(Options options, Metrics& metrics);
  // What waits is dropped.
  ~WakeUpSender();

  // Any thread; never waits.
  void send(const CallWakeUp& wake);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Job {
    CallWakeUp wake;
    Time expires;
    Time next;
    std::int64_t retry_ms = 0;
  };
  void run();
  // Takes the first job that is due, or tells when the next one will be.
  bool take(Job& job, Time& wait_until);
  void try_again(Job job);
  bool post(const Job& job) const;

  const Options options_;
  HttpClient client_;
  Counter& sent_;
  Counter& retried_;
  Counter& failed_;
  Counter& dropped_;
  std::mutex mutex_;  // guards the two below
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace godwit
