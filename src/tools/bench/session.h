// One device of one account, connected: logs in, receives in order, acknowledges, sends.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "godwit/result.h"
#include "tools/bench/account.h"
#include "tools/bench/connection.h"
#include "tools/bench/frames.h"
#include "tools/bench/shard.h"

namespace godwit::v1 {
class ClientFrame;
class ReceiptCounts;
class ServerFrame;
class Welcome;
}  // namespace godwit::v1

namespace godwit::bench {

class Session;

// What a scenario wants to hear. All calls on the shard's thread.
class SessionUser {
 public:
  virtual ~SessionUser() = default;
  virtual void on_live(Session&) {}
  virtual void on_caught_up(Session&) {}
  // A new inbox entry; repetitions have been dropped.
  virtual void on_envelope(Session&, const EnvelopeView&) {}
  virtual void on_sent(Session&, std::uint64_t request_id, const SentView&) {}
  virtual void on_refused(Session&, std::uint64_t request_id, const Error&) {}
  virtual void on_watermark(Session&, const WatermarkView&) {}
  virtual void on_receipt_counts(Session&, const v1::ReceiptCounts&) {}
  // Replies that have no call of their own.
  virtual void on_reply(Session&, const v1::ServerFrame&) {}
  // All frames of one read have been handed over; the Ack for them is written.
  virtual void on_read_end(Session&) {}
  // It was live and is not any more. Log in again by LoginQueue::add.
  virtual void on_dropped(Session& session, std::uint32_t retry_after_ms);
};

// Life cycle: start() (by the LoginQueue), live, dropped or stop(); then start() again, resuming at the
// cursor. Acknowledges cumulatively, once per
// read, or later when --ack-delay says so. Renews its access token when it has run out.
class Session final : public ConnectionUser {
 public:
  // `number` is unique among all sessions of the run: it picks the source address.
  Session(Shard& shard, Account& account, std::size_t number, SessionUser& user);

  void start();
  void stop();
  bool live() const { return state_ == State::live; }

  // Writes one Send; it leaves at the end of the turn. Precondition: live().
  void send(std::uint64_t request_id, const MessageId& id, UserId to, std::string_view head,
            std::string_view tail);
  void send_to_group(std::uint64_t request_id, const MessageId& id, const ChatId& group,
                     std::string_view head, std::string_view tail);
  // Any other request; its reply comes by on_reply() or on_refused(). Precondition: live().
  void request(const v1::ClientFrame& frame);
  // While off the session does not read, and so does not acknowledge.
  void set_reading(bool on) { connection_.set_reading(on); }
  // The next login asks for a new token, although the one at hand is good.
  void refresh_at_next_login() { refresh_ = true; }

  Shard& shard() { return shard_; }
  Account& account() { return account_; }
  UserId user() const { return account_.user; }
  std::size_t unsent_bytes() const { return connection_.unsent_bytes(); }
  // As granted by Welcome.
  std::uint32_t max_open_requests() const { return max_open_requests_; }
  std::uint64_t cursor() const { return cursor_; }
  bool caught_up() const { return caught_up_; }

  // For the LoginQueue.
  struct Login {
    std::int64_t started_ns = 0;
    std::int64_t hello_ns = 0;
    std::uint32_t attempts = 0;
  };
  Login login;
  // For the scenario: which of its things this session belongs to.
  std::uint32_t tag = 0;

 private:
  enum class State : std::uint8_t { idle, connecting, refreshing, greeting, live };

  void on_open() override {}
  void on_message(std::string_view payload, std::size_t wire_bytes) override;
  void on_read_end() override;
  void on_closed(const CloseCause& cause) override;

  void acknowledge();
  void count_send(std::size_t bytes);
  void on_deliver(std::string_view body);
  void on_watermarks(std::string_view body);
  void on_rare_frame(std::string_view payload);
  void on_welcome(const v1::Welcome& welcome);
  void on_login_error(const Error& error);
  void greet();
  void write_refresh();
  void write_hello();
  void retry_greeting(std::uint32_t after_ms);
  void fail_login(std::uint32_t retry_after_ms, bool final);
  void keep_alive();

  Shard& shard_;
  Account& account_;
  SessionUser& user_;
  Connection connection_;

  State state_ = State::idle;
  std::array<char, auth::kNonceBytes> nonce_{};
  std::uint64_t cursor_ = 0;        // received by the application
  std::uint64_t acknowledged_ = 0;  // told to the server on this connection
  std::uint32_t connects_ = 0;      // tells timers of an earlier connection apart
  std::uint32_t max_open_requests_ = 1;
  std::uint32_t retry_after_ms_ = 0;  // from Reconnect
  std::int64_t keepalive_ns_ = 0;
  std::int64_t wrote_ns_ = 0;
  bool has_cursor_ = false;
  bool caught_up_ = false;
  bool ack_pending_ = false;  // a timer will send it
  bool refresh_ = false;
};

}  // namespace godwit::bench
