// The device's side of the protocol: connects, proves who it is, resumes the inbox, stores and acknowledges
// what arrives, sends what waits, and connects again when the connection ends.
//
//   idle --start()--> connecting --Challenge--> [refreshing] --> greeting --Welcome--> ready
//                        ^                                                              |
//                        +------- waiting (backoff) <-------- connection ended ---------+
//   stopped: by stop(), or because the server said not to come back (failure())
//
// Without an account (ClientOptions::authenticate is false) a Challenge makes it ready.
// All on the thread of the loop. Files: client.cc (connection), client_inbox.cc (what the server pushes),
// client_outbox.cc (what the user does).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/cli/failure.h"
#include "tools/cli/profile.h"
#include "tools/cli/reconnect_policy.h"
#include "tools/cli/transport.h"

namespace godwit::v1 {
class CaughtUp;
class ClientFrame;
class Deliver;
class Gap;
class Linked;
class ReceiptCounts;
class Sent;
class ServerFrame;
class Watermarks;
class Welcome;
enum PresenceState : int;
}  // namespace godwit::v1

namespace godwit::cli {

struct ClientOptions {
  TransportOptions transport;
  bool authenticate = true;
  std::uint32_t keepalive_s = 0;  // 0: as the server likes
};

// Called on the loop; each may be empty. Messages that arrive are found in Profile::store().
struct ClientEvents {
  std::function<void(const OutgoingMessage&, const v1::Sent&)> sent;
  // `dropped`: it will not be tried again.
  std::function<void(const OutgoingMessage&, const Failure&, bool dropped)> send_failed;
  std::function<void(const ChatRef& chat)> receipts_moved;
  std::function<void(const v1::ReceiptCounts&)> receipt_counts;
  std::function<void(std::uint64_t from, std::uint64_t to)> gap;
  std::function<void(const v1::Linked&)> linked;
  // The device is ready, for the first time or again; what was asked for on the last connection is forgotten.
  std::function<void()> connected;
  // A push of presence, typing, statuses or calls.
  std::function<void(const v1::ServerFrame&)> live;
  // What the user should know: connection lost, coming back, and the like.
  std::function<void(const std::string&)> notice;
};

class Client {
 public:
  // Gets either the frame or the reason why there is none.
  using ReplyHandler = std::function<void(const v1::ServerFrame* reply, const Failure* failure)>;

  // `profile` must have an account unless options.authenticate is false. Both outlive the client.
  Client(EventLoop& loop, Profile& profile, ClientOptions options, ClientEvents events);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start();
  // Flushes, closes and saves; `ended()` holds soon after.
  void stop();

  bool ready() const { return phase_ == Phase::ready && !stopping_; }
  // Between two attempts to connect.
  bool waiting() const { return phase_ == Phase::waiting; }
  bool caught_up() const { return ready() && caught_up_; }
  bool ended() const { return phase_ == Phase::idle || phase_ == Phase::stopped; }
  // Why it has given up, or nothing.
  const std::optional<Failure>& failure() const { return failure_; }
  // Why there is no connection at the moment.
  const Failure& last_problem() const { return last_problem_; }

  // Of this connection's Challenge. Precondition: ready().
  const std::string& nonce() const { return nonce_; }
  // The server's clock, as well as we know it: message ids are made from it.
  std::int64_t server_now_ms() const;
  // 0 until known.
  std::uint32_t max_payload_bytes() const { return max_payload_bytes_; }

  // How present the user is, from now on and on connections to come. OFFLINE at first: a command that comes
  // and goes is nobody being there.
  void set_presence(v1::PresenceState state);

  // The handler is called exactly once: with the reply, with the server's error, or when the connection ends.
  void request(v1::ClientFrame frame, ReplyHandler handler);

  // Keeps the message until the server has it. False when the outbox is full.
  bool send(const OutgoingMessage& message);
  // The user has read the chat up to here; told to the server until it knows.
  void mark_read(const ChatRef& chat, std::uint64_t chat_seq);
  // The server knows of everything that was read.
  bool reads_settled() const;

 private:
  enum class Phase { idle, connecting, greeting, ready, waiting, stopped };

  // client.cc
  void connect();
  void on_message(std::string_view bytes);
  void on_end(const TransportEnd& end);
  void on_lost(std::uint16_t code, const Failure& problem);
  void on_challenge(const v1::ServerFrame& frame);
  void refresh_token();
  void greet();
  void on_hello_refused(const Failure& failure);
  void on_welcome(const v1::Welcome& welcome);
  void transmit(v1::ClientFrame& frame);
  void transmit_request(v1::ClientFrame frame, ReplyHandler handler);
  void resolve(const v1::ServerFrame& frame);
  void fail_pending(const Failure& failure);
  void give_up(Failure failure);
  void drop_connection(const Failure& problem);
  void keep_alive();
  void notice(const std::string& text);
  void save_soon();

  // client_inbox.cc
  void on_push(const v1::ServerFrame& frame);
  void on_deliver(const v1::Deliver& deliver);
  void on_caught_up(const v1::CaughtUp& caught_up);
  void on_gap(const v1::Gap& gap);
  void on_watermarks(const v1::Watermarks& watermarks);
  void acknowledge();

  // client_outbox.cc
  void send_next();
  void on_send_reply(const OutgoingMessage& message, const v1::ServerFrame* reply, const Failure* failure);
  void on_sent(const OutgoingMessage& message, const v1::Sent& sent);
  void report_reads();

  EventLoop& loop_;
  Profile& profile_;
  const ClientOptions options_;
  const ClientEvents events_;

  Phase phase_ = Phase::idle;
  std::shared_ptr<Transport> transport_;
  ReconnectPolicy policy_;
  bool stopping_ = false;
  std::optional<Failure> failure_;
  Failure last_problem_{ExitCode::connection, "not_connected", "not connected"};

  v1::PresenceState presence_;
  std::string nonce_;
  bool caught_up_ = false;
  bool refreshed_ = false;     // on this connection
  bool cursor_reset_ = false;  // the server refused our cursor; it says where to go on
  std::uint64_t acknowledged_ = 0;
  std::uint32_t keepalive_s_ = 0;
  std::uint32_t max_payload_bytes_ = 0;
  std::uint64_t next_request_id_ = 1;
  std::map<std::uint64_t, ReplyHandler> pending_;
  Deadline last_sent_{};
  Deadline last_received_{};

  bool sending_ = false;             // a message of the outbox is on its way
  std::uint32_t send_failures_ = 0;  // in a row, of the message at the front
  std::set<ChatRef> reporting_reads_;

  Timer reconnect_timer_;
  Timer keepalive_timer_;
  Timer resend_timer_;
  Timer save_timer_;
};

}  // namespace godwit::cli
