#include "tools/bench/traffic.h"

#include <algorithm>

namespace godwit::bench {
namespace {

constexpr std::int64_t kTickNs = kNsPerMs;
// What a sender may have unsent before an open loop leaves it out.
constexpr std::size_t kMostUnsent = std::size_t{1} << 20;
// How many answered messages are repeated after a reconnect to compare the answers.
constexpr std::uint32_t kEchoes = 3;
// The first page of an inbox, as a client would show it.
constexpr std::uint32_t kPage = 50;
constexpr std::uint32_t kRetryPauseMs = 20;

std::string make_filler(std::uint32_t payload_bytes, std::uint64_t run) {
  Random random(run);
  std::string filler(payload_bytes > kStampBytes ? payload_bytes - kStampBytes : 0, '\0');
  for (char& c : filler) c = static_cast<char>(random.next());
  return filler;
}

}  // namespace

Traffic::Traffic(Shard& shard, std::uint64_t run, std::uint32_t payload_bytes)
    : shard_(shard), run_(run), filler_(make_filler(payload_bytes, run)) {}

std::uint32_t Traffic::add_session(Account& account, std::size_t number) {
  const std::uint32_t tag = session_count();
  End& end = ends_.emplace_back();
  end.session = std::make_unique<Session>(shard_, account, number, *this);
  end.session->tag = tag;
  return tag;
}

void Traffic::connect(std::uint32_t from, std::uint32_t to, std::uint32_t group) {
  const auto index = static_cast<std::uint32_t>(lanes_.size());
  Lane& lane = lanes_.emplace_back();
  lane.from = from;
  lane.to = to;
  lane.group = group;
  if (ends_[from].lanes_out.empty()) senders_.push_back(from);
  ends_[from].lanes_out.push_back(index);
  ends_[to].lane_in = index;
}

void Traffic::keep_ledgers() {
  for (Lane& lane : lanes_) lane.ledger = std::make_unique<Ledger>();
}

// --- sending
// ---------------------------------------------------------------------------------------------------

void Traffic::start_window(std::uint32_t window, bool on_sent, std::uint64_t limit) {
  mode_ = Mode::window;
  window_ = window;
  window_on_sent_ = on_sent;
  remaining_ = limit;
  for (const std::uint32_t tag : senders_) pump(ends_[tag]);
}

void Traffic::start_rate(double per_second) {
  mode_ = Mode::paced;
  per_ns_ = per_second / static_cast<double>(kNsPerSecond);
  paced_from_ = shard_.loop.refresh();
  next_tick_ = paced_from_ + kTickNs;
  issued_ = 0;
  shard_.loop.at(next_tick_, [this] { tick(); });
}

// Ticks that were missed are made up one by one, so that a late generator shows as latency.
void Traffic::tick() {
  if (mode_ != Mode::paced) return;
  for (; next_tick_ <= shard_.loop.now(); next_tick_ += kTickNs) {
    const auto due = static_cast<std::uint64_t>(static_cast<double>(next_tick_ - paced_from_) * per_ns_);
    for (; issued_ < due; ++issued_) {
      End& end = ends_[senders_[turn_++ % senders_.size()]];
      if (!send_new(end, next_tick_)) shard_.counters.add(Counter::held_back);
    }
  }
  shard_.loop.at(next_tick_, [this] { tick(); });
}

void Traffic::pump(End& end) {
  if (mode_ != Mode::window) return;
  while (end.under_way < window_ && send_new(end, shard_.loop.now())) {
  }
}

bool Traffic::send_new(End& end, std::int64_t intended_ns) {
  if (remaining_ == 0 || !end.session->live() || end.session->unsent_bytes() > kMostUnsent) return false;
  if (shard_.loop.now() < end.paused_until) return false;
  const std::uint64_t request_id = end.requests.take(end.session->max_open_requests());
  if (request_id == 0) return false;

  Request& request = *end.requests.find(request_id);
  request.lane = end.lanes_out[end.turn];
  end.turn = end.turn + 1 == end.lanes_out.size() ? 0 : end.turn + 1;
  Lane& lane = lanes_[request.lane];
  request.id = shard_.make_message_id();
  request.intended_ns = intended_ns;
  request.counter = lane.next++;
  if (lane.ledger) lane.ledger->on_send(request.counter, request.id, intended_ns);

  --remaining_;
  ++end.under_way;
  ++unanswered_;
  ++undelivered_;
  write(end, request_id, request);
  return true;
}

void Traffic::write(End& end, std::uint64_t request_id, const Request& request) {
  const Stamp stamp{run_, request.lane, request.counter, request.intended_ns};
  end.session->send(request_id, request.id, ends_[lanes_[request.lane].to].session->user(), stamp.view(),
                    filler_);
}

void Traffic::resend(End& end, std::uint64_t request_id) {
  Request* request = end.requests.find(request_id);
  if (request == nullptr || request->retry_pending) return;
  lanes_[request->lane].retried = true;
  shard_.counters.add(Counter::resends);
  write(end, request_id, *request);
}

// A message that was answered keeps its answer: sent again, it must yield the same chat_seq and nothing new.
void Traffic::echo_answered(End& end) {
  for (const std::uint32_t index : end.lanes_out) {
    Lane& lane = lanes_[index];
    std::uint32_t echoes = 0;
    for (std::uint32_t counter = lane.next; lane.ledger && counter-- > 0 && echoes < kEchoes;) {
      const LedgerEntry& entry = lane.ledger->entry(counter);
      if (entry.sent_chat_seq == 0) continue;
      const std::uint64_t request_id = end.requests.take(end.session->max_open_requests());
      if (request_id == 0) return;
      Request& request = *end.requests.find(request_id);
      request.id = entry.id;
      request.intended_ns = entry.intended_ns;
      request.lane = index;
      request.counter = counter;
      request.echo = true;
      ++unanswered_;
      ++echoes;
      resend(end, request_id);
    }
  }
}

// --- what the server says
// --------------------------------------------------------------------------------------

void Traffic::on_live(Session& session) {
  End& end = ends_[session.tag];
  for (const std::uint64_t request_id : end.requests.open_in_order()) resend(end, request_id);
  if (end.drops > 0) echo_answered(end);
  pump(end);
}

void Traffic::on_caught_up(Session&) {
  ++caught_up_;
}

void Traffic::on_sent(Session& session, std::uint64_t request_id, const SentView& sent) {
  End& end = ends_[session.tag];
  Request* request = end.requests.find(request_id);
  if (request == nullptr || sent.chat_seq == 0) {
    shard_.counters.add(Counter::corrupt);
    return;
  }
  Lane& lane = lanes_[request->lane];
  if (lane.ledger && !lane.ledger->on_sent(request->counter, sent.chat_seq)) {
    shard_.counters.add(Counter::mismatched);
  }
  --unanswered_;
  if (!request->echo) {
    shard_.counters.add(Counter::stored);
    if (measuring) {
      latencies.sent.record(
          static_cast<std::uint64_t>(std::max<std::int64_t>(shard_.loop.now() - request->intended_ns, 0)));
    }
    if (window_on_sent_) --end.under_way;
  }
  end.requests.release(request_id);
}

void Traffic::on_refused(Session& session, std::uint64_t request_id, const Error& error) {
  End& end = ends_[session.tag];
  Request* request = end.requests.find(request_id);
  if (request == nullptr) {
    shard_.counters.add(Counter::errors);
    return;
  }
  if (error_info(error.code).retryable) {
    request->retry_pending = true;
    const std::uint32_t pause = error.retry_after_ms == 0 ? kRetryPauseMs : error.retry_after_ms;
    const std::int64_t until = shard_.loop.now() + pause * kNsPerMs;
    end.paused_until = std::max(end.paused_until, until);
    shard_.loop.at(until, [this, &end, request_id] {
      Request* again = end.requests.find(request_id);
      if (again == nullptr) return;
      again->retry_pending = false;
      if (!end.session->live()) return;
      resend(end, request_id);
      pump(end);
    });
    return;
  }
  shard_.counters.add(Counter::errors);
  --unanswered_;
  if (!request->echo) {
    if (lanes_[request->lane].check.forgive(request->counter)) {
      --undelivered_;
      if (!window_on_sent_) --end.under_way;
    }
    if (window_on_sent_) --end.under_way;
  }
  end.requests.release(request_id);
}

void Traffic::on_envelope(Session& session, const EnvelopeView& envelope) {
  End& end = ends_[session.tag];
  const auto stamp = read_stamp(envelope.payload);
  if (stamp && stamp->run != run_) return on_foreign(envelope, end);
  if (!stamp || !is_genuine(session, envelope, *stamp)) {
    shard_.counters.add(Counter::corrupt);
    return;
  }
  if (end.received < kPage) note_page(end);
  Lane& lane = lanes_[stamp->lane];
  if (measuring) {
    latencies.delivery[lane.group].record(
        static_cast<std::uint64_t>(std::max<std::int64_t>(shard_.loop.now() - stamp->sent_ns, 0)));
  }
  check_order(lane, stamp->counter, envelope);
}

bool Traffic::is_genuine(const Session& session, const EnvelopeView& envelope, const Stamp& stamp) const {
  if (stamp.lane >= lanes_.size()) return false;
  const Lane& lane = lanes_[stamp.lane];
  return lane.to == session.tag && stamp.counter < lane.next && envelope.to == 0 &&
         envelope.id.size() == 16 && envelope.from == ends_[lane.from].session->user().value &&
         envelope.payload.substr(kStampBytes) == filler_;
}

void Traffic::check_order(Lane& lane, std::uint32_t counter, const EnvelopeView& envelope) {
  const Arrival arrival = lane.check.on_arrival(counter);
  if (arrival == Arrival::duplicate) {
    shard_.counters.add(Counter::duplicated);
    return;
  }
  const bool overtaken = arrival == Arrival::late && !lane.retried;
  if (!lane.check.on_chat_seq(envelope.chat_seq) || overtaken) shard_.counters.add(Counter::out_of_order);
  if (lane.ledger && !lane.ledger->on_delivered(counter, MessageId::from(envelope.id), envelope.chat_seq)) {
    shard_.counters.add(Counter::mismatched);
  }
  shard_.counters.add(Counter::delivered);
  if (arrival == Arrival::forgiven) return;
  --undelivered_;
  if (!window_on_sent_) --ends_[lane.from].under_way;
}

void Traffic::on_foreign(const EnvelopeView& envelope, End& end) {
  shard_.counters.add(Counter::foreign);
  if (!adopt_foreign_) return;
  if (end.received < kPage) note_page(end);
  shard_.counters.add(Counter::delivered);
  if (!lanes_[end.lane_in].check.on_chat_seq(envelope.chat_seq)) shard_.counters.add(Counter::out_of_order);
}

void Traffic::note_page(End& end) {
  const auto since_hello = static_cast<std::uint64_t>(shard_.loop.now() - end.session->login.hello_ns);
  if (++end.received == 1) latencies.first_envelope.record(since_hello);
  if (end.received == kPage) latencies.first_page.record(since_hello);
}

void Traffic::on_watermark(Session& session, const WatermarkView& watermark) {
  if (watermark.peer != watermark.member) return;
  for (const std::uint32_t index : ends_[session.tag].lanes_out) {
    Lane& lane = lanes_[index];
    if (ends_[lane.to].session->user().value != watermark.member) continue;
    lane.delivered_watermark = std::max(lane.delivered_watermark, watermark.delivered);
    return;
  }
}

void Traffic::on_read_end(Session& session) {
  if (mode_ != Mode::window) return;
  End& end = ends_[session.tag];
  if (!end.lanes_out.empty()) pump(end);
  if (!window_on_sent_ && end.lane_in != UINT32_MAX) pump(ends_[lanes_[end.lane_in].from]);
}

void Traffic::on_dropped(Session& session, std::uint32_t retry_after_ms) {
  End& end = ends_[session.tag];
  if (++end.drops % 2 == 1 && refresh_on_reconnect_) session.refresh_at_next_login();
  SessionUser::on_dropped(session, retry_after_ms);
}

// --- what is left at the end
// -----------------------------------------------------------------------------------

std::uint64_t Traffic::lost() const {
  std::uint64_t missing = 0;
  std::uint64_t told = 0;
  for (const Lane& lane : lanes_) {
    missing += lane.check.missing(lane.next);
    if (lane.ledger) told += lane.ledger->lost();
  }
  // Without ledgers an unanswered message gets the benefit of the doubt; it is reported by itself.
  return std::max(told, missing - std::min(missing, unanswered_));
}

std::uint64_t Traffic::receipts_behind() const {
  return static_cast<std::uint64_t>(std::count_if(lanes_.begin(), lanes_.end(), [](const Lane& lane) {
    return lane.delivered_watermark < lane.check.last_chat_seq();
  }));
}

}  // namespace godwit::bench
