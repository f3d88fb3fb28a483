// The messages of one group, as one shard sends and sees them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/group_log.h"
#include "tools/bench/request_table.h"
#include "tools/bench/session.h"
#include "tools/bench/stamp.h"

namespace godwit::bench {

// What all shards know of the group; constant while they run.
struct GroupFacts {
  std::uint64_t run = 0;  // marks the payloads
  ChatId chat;
  std::vector<UserId> online;  // by lane: the members that send and receive
};

// Members that are online send at random, paced or in a closed loop, and all get everything. Used by the
// shard's thread during phases, by anybody between them.
class GroupTraffic final : public SessionUser {
 public:
  GroupTraffic(Shard& shard, const GroupFacts& facts, std::uint32_t payload_bytes);

  // The member whose lane this is; `number` is unique among all sessions of the run.
  void add_member(Account& account, std::size_t number, std::uint32_t lane);
  // Logs all members in and waits until each has caught up; false when some cannot.
  bool log_in_all(std::int64_t patience_ns);

  // Messages/s of this shard; each counts as sent when it was due, at ticks of a millisecond.
  void start_rate(double per_second);
  // `window` messages of this shard are under way, until every member of the shard has them.
  void start_window(std::uint32_t window);
  void stop() { mode_ = Mode::off; }

  bool all_answered() const { return unanswered_ == 0; }
  std::uint64_t unanswered() const { return unanswered_; }
  // Messages of the shard's members that were answered.
  std::uint64_t stored() const { return stored_; }
  // Messages that the shard's members got.
  std::uint64_t received() const { return received_; }
  std::uint64_t members() const { return members_.size(); }
  const GroupLog& log() const { return log_; }
  // Marks the lanes whose messages may overtake one another.
  void mark_repeated(std::vector<bool>& by_lane) const;

  struct Latencies {
    Histogram delivery;  // from when it was due, to each member
    Histogram sent;
  };
  Latencies latencies;
  bool measuring = true;

 private:
  enum class Mode : std::uint8_t { off, window, paced };

  struct Member {
    std::unique_ptr<Session> session;
    RequestTable requests;
    MemberCheck check;
    std::uint32_t lane = 0;
    std::uint32_t next = 0;  // counter of the next message
    bool repeated = false;
    bool caught_up = false;
    std::int64_t paused_until = 0;  // the server asked for it
  };

  void on_live(Session& session) override;
  void on_caught_up(Session& session) override { members_[session.tag].caught_up = true; }
  void on_envelope(Session& session, const EnvelopeView& envelope) override;
  void on_sent(Session& session, std::uint64_t request_id, const SentView& sent) override;
  void on_refused(Session& session, std::uint64_t request_id, const Error& error) override;
  void on_receipt_counts(Session& session, const v1::ReceiptCounts& counts) override;
  void on_read_end(Session& session) override;

  bool is_genuine(const EnvelopeView& envelope, const Stamp& stamp) const;
  bool mine(std::uint32_t lane) const { return lane % shard_.options.threads == shard_.index; }
  void settle(std::uint32_t lane, std::uint64_t chat_seq);
  bool send_new(Member& member, std::int64_t intended_ns);
  void write(Member& member, std::uint64_t request_id, const Request& request);
  void resend(Member& member, std::uint64_t request_id);
  void retry_later(Member& member, std::uint64_t request_id, std::uint32_t pause_ms);
  void pump();
  void tick();

  Shard& shard_;
  const GroupFacts& facts_;
  const std::string filler_;
  std::deque<Member> members_;
  GroupLog log_;

  Mode mode_ = Mode::off;
  std::uint32_t window_ = 0;
  std::uint32_t under_way_ = 0;
  std::uint64_t unanswered_ = 0;
  std::uint64_t stored_ = 0;
  std::uint64_t received_ = 0;

  // Paced.
  double per_ns_ = 0;
  std::int64_t paced_from_ = 0;
  std::int64_t next_tick_ = 0;
  std::uint64_t issued_ = 0;
};

}  // namespace godwit::bench
