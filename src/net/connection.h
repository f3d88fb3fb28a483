// One client connection, from the first byte to the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/ip_address.h"
#include "net/poller.h"
#include "net/probe.h"
#include "net/quotas.h"
#include "net/stream.h"
#include "net/timing_wheel.h"
#include "net/ws_frame.h"
#include "session/link.h"

namespace godwit::net {

class Shard;
struct ServerContext;

// The state machine, each step optional but in this order:
//
//   proxy ──► tls ──► http ──► open ──► closing ──► finished
//
// proxy: a PROXY header is due. tls: the handshake. http: requests and responses, until one of them is an
// upgrade. open: WebSocket, with a session on top. closing: our last bytes (a close frame) are on their way,
// or sent; what the peer sends is dropped until it closes. finished: the socket is closed.
//
// Owned by its shard and used on its worker only. The session is told of the end, and the object destroyed,
// by run_deferred() in a later turn, so that no call of the session's ends with the session gone.
//
// Bounds: input up to one message or one request, or one read buffer while reading is paused. A message may have
// kSmallMessageBytes, and options.max_frame_bytes once the session allows it; what all large ones together may take is
// bounded by max_large_input_bytes, of which each gets room for the whole of it or waits, unread; then it must be
// complete in time. Output up to max_output_bytes. Above output_budget_bytes nothing more is read, so a client that does
// not read what it asks for is slowed down by TCP. Idle, it holds no buffer at all.
class Connection final : public Link, public Pollable, public WheelNode {
 public:
  Connection(int fd, const IpAddress& peer, ConnectionToken token);
  ~Connection() override;

  // Link
  std::string& start_message(std::size_t payload_bytes) override;
  std::size_t unsent_bytes() const override { return out_.size() - out_sent_; }
  void close(CloseReason reason) override;
  void set_idle_timeout(std::uint32_t milliseconds) override;
  void allow_large_messages(std::uint64_t owner) override {
    large_allowed_ = true;
    owner_ = owner;
  }
  void move_to(Worker& worker, Task then) override;
  Worker& worker() override;
  const PeerInfo& peer() const override { return peer_; }

  // For the shard.
  void begin(Shard& shard);   // a new connection; its shard is this one from now on
  void arrive(Shard& shard);  // one that has departed from another shard
  bool is_in_transit() const { return in_transit_; }
  int descriptor() const { return stream_.fd(); }
  void on_ready(std::uint32_t events) override;
  void flush();  // the end of a turn in which there was output
  void run_deferred();
  void on_timeout();
  void shut_down(CloseReason reason);  // ends it politely whatever its state
  std::uint32_t due_tick() const;

 private:
  enum class State : std::uint8_t { proxy, tls, http, open, closing, finished };
  struct Http;       // what only the time before the upgrade needs
  struct Input;      // bytes that wait for more, or for their turn
  struct Large;      // a large message that is not complete
  struct Departure;  // where to, and what to run there
  friend struct HttpReplyState;

  // What run_deferred() has to do.
  static constexpr std::uint8_t kTellClosed = 1;
  static constexpr std::uint8_t kTellDrained = 2;
  static constexpr std::uint8_t kReadAgain = 4;
  static constexpr std::uint8_t kResume = 8;

  ServerContext& context() const;
  void defer(std::uint8_t what);
  void mark_dirty();
  void set_deadline(std::uint32_t milliseconds);
  std::uint32_t wanted_events() const;
  void set_interest();
  void finish(CloseReason reason);
  void note_failure(HandshakeFailure why);

  // connection_io.cc
  void write_out();
  void release_output();
  bool over_budget();
  void read_ready();
  void read_proxy_header();
  void begin_tls();
  void carry_on_tls();
  bool read_once();
  bool read_onto_input();
  void read_ended(IoStatus status);
  void drop_input();
  void resume();
  void take_input(std::span<char> bytes);
  void keep_input(std::span<const char> bytes, const WsEvent& rest);

  // connection_http.cc
  void begin_http();
  std::size_t take_http(std::string_view bytes);
  void take_request(HttpRequest request);
  void resolve_client(HttpRequest& request) const;
  void route(HttpRequest request);
  void refuse_request(int status);
  void respond(const HttpResponse& response);
  void end_http();
  void upgrade(const HttpRequest& request);
  void http_timeout();

  // connection_websocket.cc
  void begin_websocket();
  std::size_t take_frames(std::span<char> bytes, WsEvent& rest);
  void count_input();
  bool find_room();
  bool waits_for_room() const;
  void room_timeout();
  std::uint32_t message_due() const;
  void take_event(WsEvent& event);
  void begin_closing(CloseReason reason, std::uint16_t code, std::string_view text);
  void depart();

  Shard* shard_ = nullptr;
  std::unique_ptr<LinkUser> user_;
  std::unique_ptr<Input> input_;
  std::unique_ptr<Http> http_;  // null once open
  std::unique_ptr<Large> large_;
  std::unique_ptr<Departure> departure_;
  WsReader reader_;
  Stream stream_;
  std::string out_;
  std::uint64_t owner_ = 0;     // whose large messages these are
  std::uint32_t out_sent_ = 0;  // bytes of out_ that the kernel has
  std::uint32_t interest_ = 0;  // epoll events asked for
  std::uint32_t deadline_ = 0;  // tick; unless idle_ticks_ applies
  std::uint32_t idle_ticks_ = 0;
  std::uint32_t last_activity_ = 0;
  State state_ = State::http;
  CloseReason close_reason_ = CloseReason::gone;
  std::uint8_t deferred_ = 0;
  bool is_deferred_ : 1 = false;
  bool is_dirty_ : 1 = false;
  bool in_transit_ : 1 = false;
  bool taking_input_ : 1 = false;
  bool paused_ : 1 = false;          // nothing is read
  bool output_blocked_ : 1 = false;  // the kernel takes no more for now
  bool exceeded_budget_ : 1 = false;
  bool output_finished_ : 1 = false;  // FIN is sent
  bool large_allowed_ : 1 = false;    // messages above kSmallMessageBytes
  bool peer_finished_ : 1 = false;    // FIN has come, while we have something to send
  bool progressed_ = false;           // something was sent since the last look
  bool tls_wants_write_ = false;
  PeerInfo peer_;
  ConnectionToken token_;
};

}  // namespace godwit::net
