// The messages of one shard: who sends to whom, how fast, and whether everything arrives.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/ledger.h"
#include "tools/bench/order_check.h"
#include "tools/bench/request_table.h"
#include "tools/bench/session.h"
#include "tools/bench/stamp.h"

namespace godwit::bench {

// Sessions are joined by lanes, each from one sender to one recipient; a session sends on any number of lanes
// and receives on at most one. Messages go out either in a closed loop (a window per sender) or paced at a
// fixed rate. Sends that a broken connection left unanswered are repeated under their ids; so are those that
// the server put off. Used by the shard's thread during phases, by anybody between them.
class Traffic final : public SessionUser {
 public:
  // `run` marks the payloads of this run.
  Traffic(Shard& shard, std::uint64_t run, std::uint32_t payload_bytes);

  // The returned tag names the session here.
  std::uint32_t add_session(Account& account, std::size_t number);
  Session& session(std::uint32_t tag) { return *ends_[tag].session; }
  std::uint32_t session_count() const { return static_cast<std::uint32_t>(ends_.size()); }
  // `group` picks the histogram of delivery latency: 0 or 1.
  void connect(std::uint32_t from, std::uint32_t to, std::uint32_t group = 0);
  // Remember every message, so that chat_seq is compared wherever it is told. Before anything is sent.
  void keep_ledgers();
  // Entries of other runs count as delivered, as far as their order tells.
  void adopt_foreign() { adopt_foreign_ = true; }

  // Every sender keeps `window` messages under way, until Sent or until delivered, and no more than `limit`
  // in all.
  void start_window(std::uint32_t window, bool on_sent, std::uint64_t limit = UINT64_MAX);
  // Lanes take turns; a message counts as sent when it was due, which is at ticks of a millisecond.
  void start_rate(double per_second);
  void stop() { mode_ = Mode::off; }
  // Nothing is to be sent any more within the limit, and everything is answered.
  bool all_stored() const { return unanswered_ == 0 && (remaining_ == 0 || mode_ == Mode::off); }
  // Everything sent is answered and has arrived, unless it was refused.
  bool drained() const { return unanswered_ == 0 && undelivered_ == 0; }
  std::uint64_t unanswered() const { return unanswered_; }
  // Messages that neither arrived nor lack an answer: the server took them and they are gone.
  std::uint64_t lost() const;
  std::uint32_t caught_up_sessions() const { return caught_up_; }
  // Lanes whose sender has not learned that everything was delivered.
  std::uint64_t receipts_behind() const;
  // Reconnecting sessions ask for a new token every other time.
  void refresh_on_reconnect() { refresh_on_reconnect_ = true; }

  // Latencies in nanoseconds, of what happens while `measuring`.
  struct Latencies {
    Histogram delivery[2];
    Histogram sent;
    Histogram first_envelope;  // from Hello to the first envelope
    Histogram first_page;      // from Hello to the 50th
  };
  Latencies latencies;
  bool measuring = true;

 private:
  enum class Mode : std::uint8_t { off, window, paced };

  struct Lane {
    std::uint32_t from = 0;  // tags
    std::uint32_t to = 0;
    std::uint32_t group = 0;
    std::uint32_t next = 0;  // counter of the next message
    bool retried = false;    // messages of it may overtake one another
    OrderCheck check;
    std::uint64_t delivered_watermark = 0;
    std::unique_ptr<Ledger> ledger;
  };
  // What belongs to a session.
  struct End {
    std::unique_ptr<Session> session;
    RequestTable requests;
    std::vector<std::uint32_t> lanes_out;
    std::uint32_t turn = 0;  // which of them sends next
    std::uint32_t lane_in = UINT32_MAX;
    std::uint32_t under_way = 0;
    std::uint32_t received = 0;
    std::uint32_t drops = 0;
    std::int64_t paused_until = 0;  // the server asked for it
  };

  void on_live(Session& session) override;
  void on_caught_up(Session& session) override;
  void on_envelope(Session& session, const EnvelopeView& envelope) override;
  void on_sent(Session& session, std::uint64_t request_id, const SentView& sent) override;
  void on_refused(Session& session, std::uint64_t request_id, const Error& error) override;
  void on_watermark(Session& session, const WatermarkView& watermark) override;
  void on_read_end(Session& session) override;
  void on_dropped(Session& session, std::uint32_t retry_after_ms) override;

  void on_foreign(const EnvelopeView& envelope, End& end);
  bool is_genuine(const Session& session, const EnvelopeView& envelope, const Stamp& stamp) const;
  void check_order(Lane& lane, std::uint32_t counter, const EnvelopeView& envelope);
  void note_page(End& end);
  // Fills the window of a sender.
  void pump(End& end);
  // One new message, due at `intended_ns`; false when the session cannot take it now.
  bool send_new(End& end, std::int64_t intended_ns);
  void write(End& end, std::uint64_t request_id, const Request& request);
  void resend(End& end, std::uint64_t request_id);
  void echo_answered(End& end);
  void tick();

  Shard& shard_;
  const std::uint64_t run_;
  const std::string filler_;
  std::deque<End> ends_;
  std::deque<Lane> lanes_;

  Mode mode_ = Mode::off;
  std::uint32_t window_ = 0;
  bool window_on_sent_ = false;
  bool adopt_foreign_ = false;
  bool refresh_on_reconnect_ = false;
  std::uint64_t remaining_ = UINT64_MAX;  // new messages that may still be sent
  std::uint64_t unanswered_ = 0;
  std::uint64_t undelivered_ = 0;
  std::uint32_t caught_up_ = 0;

  // Paced.
  std::vector<std::uint32_t> senders_;
  double per_ns_ = 0;
  std::int64_t paced_from_ = 0;
  std::int64_t next_tick_ = 0;
  std::uint64_t issued_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace godwit::bench
