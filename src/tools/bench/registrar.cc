#include "tools/bench/registrar.h"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "godwit.pb.h"
#include "godwit/result.h"
#include "tools/bench/connection.h"
#include "tools/bench/shard.h"

namespace godwit::bench {
namespace {

constexpr std::size_t kLinks = 16;
constexpr std::size_t kOpenPerLink = 16;
constexpr std::uint32_t kPauseMs = 100;
constexpr std::int64_t kPatienceNs = 30 * kNsPerSecond;

// What the connections share.
struct Work {
  Work(const Options& o, const Target& t, std::uint64_t seed, std::vector<Account>& a)
      : options(o), target(t), accounts(a), random(seed) {}

  const Options& options;
  const Target& target;
  std::vector<Account>& accounts;
  Loop loop;
  Random random;
  std::deque<std::size_t> waiting;  // indices of accounts
  std::size_t done = 0;
  std::int64_t last_success = 0;
  std::string last_fault;
  std::string failure;  // why it makes no sense to go on

  void name(Account& account) {
    char handle[33];
    std::snprintf(handle, sizeof handle, "bench-%016llx", static_cast<unsigned long long>(random.next()));
    account.handle = handle;
  }
};

// One connection that never says Hello; several requests are open on it.
class RegisterLink final : public ConnectionUser {
 public:
  RegisterLink(Work& work, std::size_t number)
      : work_(work), connection_(work.loop, work.target, number, *this) {
    connection_.open();
  }

 private:
  void on_open() override {}
  void on_read_end() override { fill(); }

  void on_message(std::string_view payload, std::size_t) override {
    v1::ServerFrame frame;
    if (!frame.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return;
    if (frame.has_challenge()) nonce_ = frame.challenge().nonce();
    const auto open = open_.find(frame.request_id());
    if (open == open_.end()) return;
    const std::size_t index = open->second;
    open_.erase(open);
    if (frame.has_registered()) {
      on_registered(work_.accounts[index], frame.registered());
    } else {
      work_.waiting.push_back(index);
      on_error(work_.accounts[index], frame.error());
    }
  }

  void on_registered(Account& account, const v1::Registered& reply) {
    account.user = UserId(reply.user_id());
    account.device = DeviceId(reply.device_id());
    account.token = reply.token();
    account.token_expires_ms = reply.token_expires_ms();
    ++work_.done;
    work_.last_success = work_.loop.now();
  }

  void on_error(Account& account, const v1::Error& error) {
    const auto code = static_cast<Errc>(error.code());
    work_.last_fault = error_info(code).name;
    if (code == Errc::handle_taken) return work_.name(account);
    if (code == Errc::too_many_requests_open) depth_ = std::max<std::size_t>(depth_ / 2, 1);
    if (!error.retryable()) {
      work_.failure = work_.last_fault + ": " + error.message();
      return;
    }
    pause(error.retry_after_ms());
  }

  void on_closed(const CloseCause& cause) override {
    work_.last_fault = cause.text();
    if (cause.final()) work_.failure = work_.last_fault;
    for (const auto& [request, index] : open_) work_.waiting.push_back(index);
    open_.clear();
    nonce_.clear();
    const std::uint32_t wait = cause.retry_after_ms == 0 ? kPauseMs : cause.retry_after_ms;
    work_.loop.at(work_.loop.now() + wait * kNsPerMs, [this] { connection_.open(); });
  }

  void pause(std::uint32_t wait_ms) {
    const std::int64_t until = work_.loop.now() + std::max(wait_ms, 1U) * kNsPerMs;
    if (until <= paused_until_) return;
    paused_until_ = until;
    work_.loop.at(until, [this] { fill(); });
  }

  void fill() {
    if (nonce_.empty() || !connection_.is_open() || work_.loop.now() < paused_until_) return;
    while (open_.size() < depth_ && !work_.waiting.empty()) {
      const std::size_t index = work_.waiting.front();
      work_.waiting.pop_front();
      open_.emplace(++request_, index);
      write_register(work_.accounts[index]);
    }
  }

  void write_register(const Account& account) {
    v1::ClientFrame frame;
    frame.set_request_id(request_);
    v1::Register& body = *frame.mutable_register_();
    body.set_handle(account.handle);
    body.set_device_key(account.key.public_key);
    body.set_signature(
        account.key.sign(auth::register_input(nonce_, account.key.public_key, account.handle)));
    body.set_device_name("godwit-bench");
    body.set_invite(work_.options.invite);
    connection_.write(frame.SerializeAsString());
  }

  Work& work_;
  Connection connection_;
  std::string nonce_;
  std::map<std::uint64_t, std::size_t> open_;
  std::uint64_t request_ = 0;
  std::size_t depth_ = kOpenPerLink;
  std::int64_t paused_until_ = 0;
};

}  // namespace

void register_accounts(const Options& options, const Target& target, std::uint64_t seed,
                       std::vector<Account>& accounts) {
  Work work(options, target, seed, accounts);
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    if (accounts[i].registered()) continue;
    work.name(accounts[i]);
    work.waiting.push_back(i);
  }
  const std::size_t total = work.waiting.size();
  if (total == 0) return;

  work.last_success = work.loop.now();
  std::vector<std::unique_ptr<RegisterLink>> links;
  for (std::size_t i = 0; i < std::min(kLinks, total / 4 + 1); ++i) {
    links.push_back(std::make_unique<RegisterLink>(work, i));
  }
  const auto finished = [&] { return work.done == total || !work.failure.empty(); };
  while (!work.loop.run_until(finished, work.loop.now() + kNsPerSecond)) {
    if (!options.quiet) {
      std::fprintf(stderr, "registering %zu of %zu %s\n", work.done, total, work.last_fault.c_str());
    }
    if (work.loop.now() - work.last_success > kPatienceNs)
      work.failure = work.last_fault + " for half a minute; does the server limit registrations?";
  }
  if (!work.failure.empty()) throw std::runtime_error("registration failed: " + work.failure);
}

}  // namespace godwit::bench
