#include "tools/bench/group_traffic.h"

#include <algorithm>

#include "godwit.pb.h"

namespace godwit::bench {
namespace {

constexpr std::int64_t kTickNs = kNsPerMs;
// What a sender may have unsent before it is left out.
constexpr std::size_t kMostUnsent = std::size_t{1} << 20;
constexpr std::uint32_t kRetryPauseMs = 20;
// Members that are tried, beginning at a random one, before a message is held back.
constexpr std::size_t kTries = 8;

std::string make_filler(std::uint32_t payload_bytes, std::uint64_t run) {
  Random random(run);
  std::string filler(payload_bytes > kStampBytes ? payload_bytes - kStampBytes : 0, '\0');
  for (char& c : filler) c = static_cast<char>(random.next());
  return filler;
}

std::uint64_t since(std::int64_t from_ns, std::int64_t now_ns) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns - from_ns, 0));
}

}  // namespace

GroupTraffic::GroupTraffic(Shard& shard, const GroupFacts& facts, std::uint32_t payload_bytes)
    : shard_(shard), facts_(facts), filler_(make_filler(payload_bytes, facts.run)) {}

void GroupTraffic::add_member(Account& account, std::size_t number, std::uint32_t lane) {
  const auto tag = static_cast<std::uint32_t>(members_.size());
  Member& member = members_.emplace_back();
  member.session = std::make_unique<Session>(shard_, account, number, *this);
  member.session->tag = tag;
  member.lane = lane;
}

bool GroupTraffic::log_in_all(std::int64_t patience_ns) {
  for (Member& member : members_) shard_.logins.add(*member.session);
  const auto ready = [this] {
    return std::all_of(members_.begin(), members_.end(), [](const Member& m) { return m.caught_up; });
  };
  std::uint64_t seen = UINT64_MAX;
  for (;;) {
    // Looking at everybody in every turn would cost more than logging in.
    const std::int64_t until = shard_.loop.refresh() + patience_ns;
    while (shard_.loop.now() < until) {
      shard_.loop.run_until([] { return false; }, shard_.loop.now() + 5 * kNsPerMs);
      if (ready()) return true;
      if (shard_.logins.refused() > 0) return false;
    }
    const std::uint64_t progress = shard_.counters.tally()[Counter::logins];
    if (progress == seen) return false;
    seen = progress;
  }
}

void GroupTraffic::mark_repeated(std::vector<bool>& by_lane) const {
  for (const Member& member : members_) {
    if (member.repeated) by_lane[member.lane] = true;
  }
}

// --- sending

void GroupTraffic::start_window(std::uint32_t window) {
  mode_ = Mode::window;
  window_ = window;
  shard_.loop.refresh();
  pump();
}

void GroupTraffic::start_rate(double per_second) {
  mode_ = Mode::paced;
  per_ns_ = per_second / static_cast<double>(kNsPerSecond);
  paced_from_ = shard_.loop.refresh();
  next_tick_ = paced_from_ + kTickNs;
  issued_ = 0;
  shard_.loop.at(next_tick_, [this] { tick(); });
}

// Ticks that were missed are made up one by one, so that a late generator shows as latency.
void GroupTraffic::tick() {
  if (mode_ != Mode::paced || members_.empty()) return;
  for (; next_tick_ <= shard_.loop.now(); next_tick_ += kTickNs) {
    const auto due = static_cast<std::uint64_t>(static_cast<double>(next_tick_ - paced_from_) * per_ns_);
    for (; issued_ < due; ++issued_) {
      Member& member = members_[shard_.random.next() % members_.size()];
      if (!send_new(member, next_tick_)) shard_.counters.add(Counter::held_back);
    }
  }
  shard_.loop.at(next_tick_, [this] { tick(); });
}

void GroupTraffic::pump() {
  if (mode_ != Mode::window || members_.empty()) return;
  while (under_way_ < window_) {
    bool sent = false;
    for (std::size_t i = 0; i < kTries && !sent; ++i) {
      sent = send_new(members_[shard_.random.next() % members_.size()], steady_ns());
    }
    if (!sent) return;
  }
}

bool GroupTraffic::send_new(Member& member, std::int64_t intended_ns) {
  if (!member.session->live() || member.session->unsent_bytes() > kMostUnsent) return false;
  if (shard_.loop.now() < member.paused_until) return false;
  const std::uint64_t request_id = member.requests.take(member.session->max_open_requests());
  if (request_id == 0) return false;
  Request& request = *member.requests.find(request_id);
  request.id = shard_.make_message_id();
  request.lane = member.lane;
  request.counter = member.next++;
  request.intended_ns = intended_ns;
  ++under_way_;
  ++unanswered_;
  write(member, request_id, request);
  return true;
}

void GroupTraffic::write(Member& member, std::uint64_t request_id, const Request& request) {
  const Stamp stamp{facts_.run, request.lane, request.counter, request.intended_ns};
  member.session->send_to_group(request_id, request.id, facts_.chat, stamp.view(), filler_);
}

void GroupTraffic::resend(Member& member, std::uint64_t request_id) {
  Request* request = member.requests.find(request_id);
  if (request == nullptr || request->retry_pending) return;
  member.repeated = true;
  shard_.counters.add(Counter::resends);
  write(member, request_id, *request);
}

// --- what the server says

void GroupTraffic::on_live(Session& session) {
  Member& member = members_[session.tag];
  for (const std::uint64_t request_id : member.requests.open_in_order()) resend(member, request_id);
}

void GroupTraffic::on_sent(Session& session, std::uint64_t request_id, const SentView& sent) {
  Member& member = members_[session.tag];
  Request* request = member.requests.find(request_id);
  if (request == nullptr || sent.chat_seq == 0) {
    shard_.counters.add(Counter::corrupt);
    return;
  }
  if (!log_.on_sent(sent.chat_seq, request->lane, request->counter, request->intended_ns)) {
    shard_.counters.add(Counter::mismatched);
  }
  shard_.counters.add(Counter::stored);
  ++stored_;
  --unanswered_;
  if (measuring) latencies.sent.record(since(request->intended_ns, steady_ns()));
  member.requests.release(request_id);
  // A sender alone in its shard has nobody here to wait for.
  if (members_.size() == 1) --under_way_;
}

void GroupTraffic::on_refused(Session& session, std::uint64_t request_id, const Error& error) {
  Member& member = members_[session.tag];
  Request* request = member.requests.find(request_id);
  if (request == nullptr) {
    shard_.counters.add(Counter::errors);
    return;
  }
  if (error_info(error.code).retryable) {
    return retry_later(member, request_id, error.retry_after_ms == 0 ? kRetryPauseMs : error.retry_after_ms);
  }
  shard_.counters.add(Counter::errors);
  --unanswered_;
  --under_way_;
  member.requests.release(request_id);
}

void GroupTraffic::retry_later(Member& member, std::uint64_t request_id, std::uint32_t pause_ms) {
  member.requests.find(request_id)->retry_pending = true;
  const std::int64_t until = shard_.loop.now() + pause_ms * kNsPerMs;
  member.paused_until = std::max(member.paused_until, until);
  shard_.loop.at(until, [this, &member, request_id] {
    Request* again = member.requests.find(request_id);
    if (again == nullptr) return;
    again->retry_pending = false;
    if (member.session->live()) resend(member, request_id);
  });
}

void GroupTraffic::on_envelope(Session& session, const EnvelopeView& envelope) {
  if (envelope.chat != facts_.chat.view()) {
    shard_.counters.add(Counter::foreign);
    return;
  }
  Member& member = members_[session.tag];
  if (!member.check.on_arrival(envelope.chat_seq)) {
    shard_.counters.add(Counter::out_of_order);
    return;
  }
  if (envelope.event) return;
  const auto stamp = read_stamp(envelope.payload);
  if (!stamp || !is_genuine(envelope, *stamp)) {
    shard_.counters.add(Counter::corrupt);
    return;
  }
  // Not the turn's time: a turn may hand over the messages of a thousand members.
  const std::int64_t now = steady_ns();
  if (!log_.on_delivered(envelope.chat_seq, stamp->lane, stamp->counter, stamp->sent_ns, now)) {
    shard_.counters.add(Counter::mismatched);
    return;
  }
  if (measuring) latencies.delivery.record(since(stamp->sent_ns, now));
  shard_.counters.add(Counter::delivered);
  ++received_;
  settle(stamp->lane, envelope.chat_seq);
}

// One of this shard's messages is under way until all other members here have it.
void GroupTraffic::settle(std::uint32_t lane, std::uint64_t chat_seq) {
  if (mine(lane) && log_.deliveries(chat_seq) + 1 == members_.size()) --under_way_;
}

bool GroupTraffic::is_genuine(const EnvelopeView& envelope, const Stamp& stamp) const {
  return stamp.run == facts_.run && stamp.lane < facts_.online.size() && envelope.id.size() == 16 &&
         envelope.from == facts_.online[stamp.lane].value && envelope.payload.substr(kStampBytes) == filler_;
}

void GroupTraffic::on_receipt_counts(Session&, const v1::ReceiptCounts& counts) {
  if (counts.chat() != facts_.chat.view()) return;
  for (const v1::ReceiptCount& count : counts.counts()) log_.on_receipt(count.chat_seq(), count.delivered());
}

void GroupTraffic::on_read_end(Session&) {
  pump();
}

}  // namespace godwit::bench
