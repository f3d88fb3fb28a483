#include "push/wake_up_sender.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hmac.h"
#include "base/random.h"

namespace godwit {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

WakeUpSender::WakeUpSender(Options options, Metrics& metrics)
    : options_(std::move(options)),
      client_(HttpClient::Options{}),
      sent_(metrics.counter("godwit_wake_ups_sent_total", "Wake-ups that the push gateway took")),
      retried_(metrics.counter("godwit_wake_ups_retried_total", "Wake-ups that the push gateway did not take at once")),
      failed_(metrics.counter("godwit_wake_ups_failed_total", "Wake-ups that the push gateway did not take in time")),
      dropped_(metrics.counter("godwit_wake_ups_dropped_total", "Wake-ups for which there was no room in the queue")) {
  for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
}

WakeUpSender::~WakeUpSender() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WakeUpSender::send(const CallWakeUp& wake) {
  const Time now = steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (stopping_ || jobs_.size() >= kMaxQueue) return dropped_.Increment();
  jobs_.push_back({wake, now + seconds(wake.expires_s), now, options_.retry_ms});
  changed_.notify_one();
}

bool WakeUpSender::take(Job& job, Time& wait_until) {
  const Time now = steady_clock::now();
  const auto expired = std::erase_if(jobs_, [&](const Job& one) { return one.expires <= now; });
  failed_.Increment(static_cast<double>(expired));
  for (auto it = jobs_.begin(); it != jobs_.end(); ++it) {
    if (it->next <= now) {
      job = std::move(*it);
      jobs_.erase(it);
      return true;
    }
    wait_until = std::min(wait_until, std::min(it->next, it->expires));
  }
  return false;
}

void WakeUpSender::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Job job;
    Time wait_until = steady_clock::now() + seconds(3600);
    if (!take(job, wait_until)) {
      changed_.wait_until(lock, wait_until);
      continue;
    }
    lock.unlock();
    const bool taken = post(job);
    if (taken) {
      sent_.Increment();
    } else {
      try_again(std::move(job));
    }
    lock.lock();
  }
}

void WakeUpSender::try_again(Job job) {
  job.next = steady_clock::now() + milliseconds(std::exchange(job.retry_ms, job.retry_ms * 2));
  if (job.next >= job.expires) return failed_.Increment();
  const std::lock_guard lock(mutex_);
  if (jobs_.size() >= kMaxQueue) return dropped_.Increment();
  retried_.Increment();
  jobs_.push_back(std::move(job));
  changed_.notify_one();
}

bool WakeUpSender::post(const Job& job) const {
  const auto left = std::chrono::ceil<seconds>(job.expires - steady_clock::now()).count();
  nlohmann::json devices = nlohmann::json::array();
  for (const DeviceId device : job.wake.devices) devices.push_back(device.value);
  const nlohmann::json json = {{"event", "call"},
                               {"urgency", "high"},
                               {"user", std::to_string(job.wake.user.value)},
                               {"devices", std::move(devices)},
                               {"collapse", job.wake.collapse},
                               {"expires_s", std::max<std::int64_t>(left, 1)}};
  const std::string body = json.dump();
  HttpClient::Headers headers{{"Content-Type", "application/json"}};
  if (!options_.secret.empty()) {
    headers.emplace_back("Godwit-Signature", "sha256=" + hex(hmac_sha256(options_.secret, body)));
  }
  const auto response = client_.request("POST", options_.url, headers, body);
  return response && response->status >= 200 && response->status < 300;
}

}  // namespace godwit
