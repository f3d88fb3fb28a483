#include "account/code_sender.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/hmac.h"
#include "base/random.h"

namespace godwit {

CodeSender::CodeSender(Options options, Metrics& metrics)
    : options_(std::move(options)),
      client_(HttpClient::Options{}),
      sent_(metrics.counter("godwit_codes_sent_total", "Verification codes handed to their provider")),
      failed_(metrics.counter("godwit_codes_failed_total", "Verification codes that the provider did not take")),
      thread_([this] { run(); }) {}

CodeSender::~CodeSender() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  thread_.join();
}

void CodeSender::send(std::string handle, std::string code, std::function<void(bool)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < kMaxQueue && !stopping_) {
      queue_.push_back({std::move(handle), std::move(code), std::move(done)});
      ready_.notify_one();
      return;
    }
  }
  failed_.Increment();
  done(false);
}

void CodeSender::run() {
  for (;;) {
    Call call;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      call = std::move(queue_.front());
      queue_.pop_front();
    }
    const bool ok = post(call);
    (ok ? sent_ : failed_).Increment();
    call.done(ok);
  }
}

bool CodeSender::post(const Call& call) {
  HttpClient::Headers headers{{"Content-Type", "application/json"}};
  const nlohmann::json json = {{"handle", call.handle}, {"code", call.code}, {"expires_s", options_.expires_s}};
  const std::string body = json.dump();
  if (!options_.secret.empty()) headers.emplace_back("Godwit-Signature", "sha256=" + hex(hmac_sha256(options_.secret, body)));
  const auto response = client_.request("POST", options_.url, headers, body);
  return response && response->status >= 200 && response->status < 300;
}

}  // namespace godwit
