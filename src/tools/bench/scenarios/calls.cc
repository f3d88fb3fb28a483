#include "godwit.pb.h"
#include "tools/bench/scenarios/crowds.h"

namespace godwit::bench {
namespace {

// What a browser's offer or answer takes.
constexpr std::size_t kSdpBytes = 3000;
constexpr double kSettle = 2;

// Pairs who call: even tags place calls, their neighbours ring and answer, then the caller hangs up.
class Callers final : public Crowd {
 public:
  explicit Callers(Shard& shard) : Crowd(shard), sdp_(kSdpBytes, 's') {}

  Histogram offered;   // from when a call was due to the offer at the callee
  Histogram answered;  // to the answer at the caller
  std::uint64_t completed = 0;
  std::uint64_t busy = 0;  // not placed: the pair's call before was still under way
  std::uint64_t refused = 0;

  std::uint64_t under_way() const {
    std::uint64_t count = 0;
    for (const Call& call : calls_) count += call.due_ns != 0;
    return count;
  }

 private:
  struct Call {
    std::string id;
    std::int64_t due_ns = 0;  // 0: none
    bool measured = false;
  };

  void act(std::int64_t due_ns) override {
    if (calls_.empty()) calls_.resize(size() / 2);
    turn_ = (turn_ + 1) % calls_.size();
    Call& call = calls_[turn_];
    if (call.due_ns != 0) {
      busy += measuring;
      return;
    }
    call = {shard_.make_message_id().str(), due_ns, measuring};
    v1::ClientFrame frame;
    frame.set_request_id(kPlace);
    v1::PlaceCall& place = *frame.mutable_place_call();
    place.set_id(call.id);
    place.set_peer(session(static_cast<std::uint32_t>(turn_ * 2 + 1)).user().value);
    place.set_offer(sdp_);
    session(static_cast<std::uint32_t>(turn_ * 2)).request(frame);
  }

  void on_reply(Session& session, const v1::ServerFrame& frame) override {
    if (frame.has_call_offered()) return on_offer(session, frame.call_offered());
    if (frame.has_call_changed() && frame.call_changed().phase() == v1::ACTIVE) return on_active(session, frame.call_changed());
  }

  void on_offer(Session& callee, const v1::CallOffered& offer) {
    const Call& call = calls_[callee.tag / 2];
    if (call.id != offer.id()) return;
    if (call.measured) offered.record(ns_since(call.due_ns));
    v1::ClientFrame ring;
    ring.mutable_ring_call()->set_id(offer.id());
    ring.mutable_ring_call()->set_peer(offer.from());
    callee.request(ring);
    v1::ClientFrame answer;
    answer.mutable_answer_call()->set_id(offer.id());
    answer.mutable_answer_call()->set_peer(offer.from());
    answer.mutable_answer_call()->set_answer(sdp_);
    callee.request(answer);
  }

  void on_active(Session& caller, const v1::CallChanged& changed) {
    Call& call = calls_[caller.tag / 2];
    if (call.id != changed.id() || caller.tag % 2 != 0) return;
    if (call.measured) {
      answered.record(ns_since(call.due_ns));
      ++completed;
    }
    v1::ClientFrame end;
    end.mutable_end_call()->set_id(call.id);
    end.mutable_end_call()->set_peer(changed.peer());
    end.mutable_end_call()->set_reason(v1::HUNG_UP);
    caller.request(end);
    call.due_ns = 0;
  }

  void on_refused(Session& session, std::uint64_t request_id, const Error&) override {
    ++refused;
    if (request_id == kPlace) calls_[session.tag / 2].due_ns = 0;
  }

  static constexpr std::uint64_t kPlace = 3;
  const std::string sdp_;
  std::vector<Call> calls_;  // by pair
  std::size_t turn_ = 0;
};

}  // namespace

Report run_calls(Bench& bench) {
  const Options& options = bench.options;
  Rig rig(bench);
  Crowds<Callers> crowds(bench);
  crowds.add_pairs(options.pairs);
  crowds.log_in();
  const Window window = crowds.measure(rig, static_cast<double>(options.rate));
  crowds.settle(kSettle);

  Report report(options, bench.seed);
  report["parameters"]["pairs"] = options.pairs;
  report["parameters"]["rate"] = options.rate;
  Histogram offered;
  Histogram answered;
  std::uint64_t completed = 0;
  std::uint64_t busy = 0;
  std::uint64_t refused = 0;
  std::uint64_t stuck = 0;
  for (const auto& own : crowds.all()) {
    offered.merge(own->offered);
    answered.merge(own->answered);
    completed += own->completed;
    busy += own->busy;
    refused += own->refused;
    stuck += own->under_way();
  }
  report.set("calls_per_s", per_second(completed, window.ns));
  report.set("pair_was_busy", busy);
  report.set_latency("invite_to_offer", offered);
  report.set_latency("invite_to_answer", answered);
  report.set_server(window.server_before, window.server_after, completed);
  report.set_generator(window.own_cpu_s, window.ns);
  report.fail_if("refused", refused);
  report.fail_if("stuck", stuck);
  if (completed == 0) report.fail("no call was answered");
  report.fail_if("drops", bench.fleet.tally()[Counter::drops]);
  return report;
}

}  // namespace godwit::bench
