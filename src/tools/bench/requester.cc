#include "tools/bench/requester.h"

#include <algorithm>
#include <stdexcept>

namespace godwit::bench {
namespace {

constexpr std::int64_t kPatienceNs = 30 * kNsPerSecond;
constexpr std::uint32_t kPauseMs = 20;

}  // namespace

Requester::Requester(Shard& shard, Account& account, std::size_t number)
    : shard_(shard), session_(shard, account, number, *this) {}

void Requester::log_in() {
  shard_.logins.add(session_);
  shard_.loop.run_until([this] { return session_.live() || shard_.logins.settled(); },
                        shard_.loop.refresh() + kPatienceNs);
  if (!session_.live()) throw std::runtime_error(session_.account().handle + " could not log in");
}

v1::ServerFrame Requester::call(v1::ClientFrame frame) {
  const std::int64_t deadline = shard_.loop.refresh() + kPatienceNs;
  for (;;) {
    frame.set_request_id(++request_);
    reply_.reset();
    error_.reset();
    const std::int64_t from = steady_ns();
    session_.request(frame);
    shard_.loop.run_until([this] { return reply_ || error_ || dropped_; }, deadline);
    took_ns_ = steady_ns() - from;
    if (reply_) return std::move(*reply_);
    if (dropped_) throw std::runtime_error("the connection broke");
    if (!error_) throw std::runtime_error("no answer from the server");
    const ErrorInfo& info = error_info(error_->code);
    const std::uint32_t pause = error_->retry_after_ms == 0 ? kPauseMs : error_->retry_after_ms;
    const std::int64_t again = shard_.loop.refresh() + pause * kNsPerMs;
    if (!info.retryable || again >= deadline) {
      throw std::runtime_error("the server refused: " + std::string(info.name) + " " + error_->detail);
    }
    shard_.loop.run_until([this] { return dropped_; }, again);
  }
}

void Requester::on_reply(Session&, const v1::ServerFrame& frame) {
  if (frame.request_id() == request_) reply_ = std::make_unique<v1::ServerFrame>(frame);
}

void Requester::on_refused(Session&, std::uint64_t request_id, const Error& error) {
  if (request_id == request_) error_ = std::make_unique<Error>(error);
}

}  // namespace godwit::bench
