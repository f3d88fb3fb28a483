#include "tools/cli/call_desk.h"

#include "base/random.h"
#include "tools/cli/call_text.h"
#include "tools/cli/format.h"
#include "tools/cli/message_view.h"

namespace godwit::cli {
namespace {

using Clock = KnownCall::Time::clock;

constexpr std::chrono::seconds kLeavePatience{1};
// In place of SDP and of ICE candidates: nothing in them is secret, so they are not encrypted.
constexpr std::string_view kOffer = "godwit-cli: an offer without media";
constexpr std::string_view kAnswer = "godwit-cli: an answer without media";
const std::vector<std::string> kCandidates = {"candidate:1 1 udp 2122260223 127.0.0.1 9 typ host",
                                              "candidate:2 1 tcp 1518280447 127.0.0.1 9 typ host"};

std::string kind_words(const KnownCall& call) {
  return call.kind == v1::VIDEO ? " (video)" : "";
}

}  // namespace

CallDesk::CallDesk(CommandSession& session, News& news, std::string hint)
    : session_(session),
      news_(news),
      hint_(std::move(hint)),
      book_(session.self(), session.profile().account->device.value) {}

void CallDesk::say(const std::string& text, const char* event, const KnownCall& call,
                   const nlohmann::ordered_json& more) {
  nlohmann::ordered_json out = {
      {"type", "call"}, {"event", event}, {"call_id", format_uuid(call.id)}, {"chat", name_of(call)}};
  add_chat(out, call.chat);
  out["kind"] = call_kind_name(call.kind);
  out["outgoing"] = call.outgoing;
  out["phase"] = call_phase_name(call.phase);
  if (call.device != 0) out["device"] = call.device;
  out.update(more);
  session_.out().result("  " + text, out);
}

void CallDesk::require_free() const {
  if (book_.own() == nullptr) return;
  throw CommandError(ExitCode::usage, "in_call", "you are in a call already: hang up first");
}

void CallDesk::place(const Conversation& with, v1::CallKind kind) {
  require_free();
  if (with.chat.is_group()) return join(with, kind);
  KnownCall call;
  call.id = make_message_id(session_.client().server_now_ms());
  call.chat = with.chat;
  call.outgoing = true;
  call.kind = kind;
  v1::ClientFrame frame;
  v1::PlaceCall& request = *frame.mutable_place_call();
  request.set_id(call.id.str());
  request.set_peer(with.chat.peer.value);
  request.set_kind(kind);
  request.set_offer(std::string(kOffer));
  const v1::ServerFrame reply = session_.call(frame, v1::ServerFrame::kCallPlaced, Retry::yes);
  const v1::CallPlaced& placed = reply.call_placed();
  if (placed.instead().size() == MessageId().bytes.size()) {
    session_.out().note(with.name + " calls you at this moment: that call is answered instead");
    call.id = MessageId::from(placed.instead());
    call.outgoing = false;
    return take_up(std::move(call));
  }
  book_.placed(call, Clock::now());
  const std::string devices = placed.devices() == 0 ? "none of their devices is connected"
                              : placed.devices() == 1
                                  ? "1 device is connected"
                                  : std::to_string(placed.devices()) + " devices are connected";
  say("calling " + with.name + kind_words(call) + ", for up to " + std::to_string(placed.ring_ms() / 1000) +
          " s; " + devices,
      "placed", call, {{"devices", placed.devices()}});
  send_candidates(call);
}

void CallDesk::join(const Conversation& group, v1::CallKind kind) {
  v1::ClientFrame frame;
  v1::JoinCall& request = *frame.mutable_join_call();
  request.set_id(make_message_id(session_.client().server_now_ms()).str());
  request.set_chat(group.chat.group.str());
  request.set_kind(kind);
  const v1::ServerFrame reply = session_.call(frame, v1::ServerFrame::kCallState, Retry::yes);
  book_.joined(reply.call_state(), Clock::now());
  const KnownCall* call = book_.own();
  if (call == nullptr) throw CommandError(ExitCode::server, "unexpected_reply", "the server told no call");
  std::vector<RosterChange::Seat> seats;
  for (const auto& [seat, connected] : book_.seats()) seats.push_back(seat);
  say("you are in the call of " + group.name + kind_words(*call) + ": " + names_of(seats), "joined", *call,
      {{"participants", seats.size()}});
  greet_others();
}

// Whoever comes later offers to those who are there.
void CallDesk::greet_others() {
  const RosterChange::Seat self{session_.self(), session_.profile().account->device.value};
  const KnownCall call = *book_.own();
  for (const auto& [seat, connected] : book_.seats()) {
    if (seat != self) signal(call, v1::NEW_OFFER, {std::string(kOffer)}, seat);
  }
}

void CallDesk::take_up(KnownCall call) {
  v1::ClientFrame frame;
  v1::AnswerCall& request = *frame.mutable_answer_call();
  request.set_id(call.id.str());
  request.set_peer(call.chat.peer.value);
  request.set_answer(std::string(kAnswer));
  try {
    session_.call(frame, v1::ServerFrame::kDone, Retry::yes);
  } catch (const CommandError& e) {
    if (e.failure.exit == ExitCode::server) book_.forget(call.id);
    throw;
  }
  call.phase = v1::ACTIVE;
  book_.placed(call, Clock::now());
  show(call);
  send_candidates(call);
}

void CallDesk::answer() {
  require_free();
  const KnownCall* call = book_.ringing(Clock::now());
  if (call == nullptr) throw CommandError(ExitCode::usage, "no_call", "nobody calls");
  take_up(*call);
}

void CallDesk::decline(v1::CallEndReason reason) {
  const KnownCall* ringing = book_.ringing(Clock::now());
  if (ringing == nullptr) throw CommandError(ExitCode::usage, "no_call", "nobody calls");
  const KnownCall call = *ringing;
  book_.forget(call.id);
  end(call, reason);
}

void CallDesk::hang_up() {
  if (book_.own() == nullptr) throw CommandError(ExitCode::usage, "no_call", "you are in no call");
  const KnownCall call = *book_.own();
  book_.forget(call.id);
  end(call, v1::HUNG_UP);
}

void CallDesk::end(const KnownCall& call, v1::CallEndReason reason) {
  v1::ClientFrame frame;
  v1::EndCall& request = *frame.mutable_end_call();
  request.set_id(call.id.str());
  set_chat(request, call.chat);
  request.set_reason(reason);
  try {
    session_.call(frame, v1::ServerFrame::kDone, Retry::yes);
  } catch (const CommandError& e) {
    if (e.failure.name != "call_not_found") throw;  // the other side was faster
  }
  KnownCall over = call;
  over.phase = v1::ENDED;
  over.reason = call.outgoing && !call.active_since ? v1::CANCELLED : reason;
  show_end(over);
}

void CallDesk::leave() {
  if (book_.own() == nullptr) return;
  session_.context().loop.resume();
  const KnownCall call = *book_.own();
  book_.forget(call.id);
  v1::ClientFrame frame;
  frame.mutable_end_call()->set_id(call.id.str());
  set_chat(*frame.mutable_end_call(), call.chat);
  frame.mutable_end_call()->set_reason(v1::HUNG_UP);
  const auto replied = std::make_shared<bool>(false);
  session_.client().request(frame, [replied](const v1::ServerFrame*, const Failure*) { *replied = true; });
  session_.context().loop.run_until([replied] { return *replied; }, Clock::now() + kLeavePatience);
  KnownCall over = call;
  over.phase = v1::ENDED;
  over.reason = call.outgoing && !call.active_since ? v1::CANCELLED : v1::HUNG_UP;
  show_end(over);
}

void CallDesk::signal(const KnownCall& call, v1::CallSignalKind kind,
                      const std::vector<std::string>& payloads, RosterChange::Seat to) {
  v1::ClientFrame frame;
  v1::SignalCall& request = *frame.mutable_signal_call();
  request.set_id(call.id.str());
  set_chat(request, call.chat);
  if (call.chat.is_group()) {
    request.set_to(to.first.value);
    request.set_to_device(to.second);
  }
  request.set_kind(kind);
  for (const std::string& payload : payloads) request.add_payloads(payload);
  session_.client().request(frame, [this, kind](const v1::ServerFrame*, const Failure* failure) {
    if (failure == nullptr || failure->exit == ExitCode::connection) return;
    session_.out().note(std::string(signal_name(kind)) + " could not be passed on: " + failure->name);
  });
}

void CallDesk::send_candidates(const KnownCall& call) {
  signal(call, v1::CANDIDATES, kCandidates, {});
}

bool CallDesk::take(const v1::ServerFrame& push) {
  if (push.has_call_offered()) {
    take_offer(push.call_offered());
  } else if (push.has_call_changed()) {
    take_change(push.call_changed());
  } else if (push.has_call_signaled()) {
    take_signal(push.call_signaled());
  } else if (push.has_call_state()) {
    take_state(push.call_state());
  } else {
    return false;
  }
  return true;
}

void CallDesk::take_offer(const v1::CallOffered& offer) {
  const auto call = book_.offered(offer, Clock::now());
  if (!call) return;
  v1::ClientFrame frame;
  frame.mutable_ring_call()->set_id(call->id.str());
  frame.mutable_ring_call()->set_peer(call->chat.peer.value);
  // Over already, perhaps: then the server says so on its own.
  session_.client().request(frame, [](const v1::ServerFrame*, const Failure*) {});
  show_ring(*call);
}

void CallDesk::take_change(const v1::CallChanged& change) {
  if (const auto call = book_.changed(change, Clock::now())) show(*call);
}

void CallDesk::take_state(const v1::CallState& state) {
  if (state.chat().empty()) return take_change(CallBook::as_change(state, session_.self()));
  if (book_.own() == nullptr) return;
  const KnownCall call = *book_.own();
  const auto change = book_.roster(state);
  if (!change) return;
  show_roster(call, *change);
  if (!change->ended) return;
  KnownCall over = call;
  over.phase = v1::ENDED;
  over.reason = v1::LOST;
  show_end(over);
}

void CallDesk::take_signal(const v1::CallSignaled& signaled) {
  const KnownCall* own = book_.own();
  if (own == nullptr || own->id.view() != signaled.id()) return;
  const KnownCall call = *own;
  const std::string name = session_.name_of(UserId(signaled.from()));
  const std::string what(signal_name(signaled.kind()));
  const std::string count = std::to_string(signaled.payloads_size());
  const std::string text = signaled.kind() == v1::CANDIDATES   ? count + " candidates"
                           : signaled.kind() == v1::NEW_OFFER  ? "an offer"
                           : signaled.kind() == v1::NEW_ANSWER ? "an answer"
                                                               : "something else";
  say(text + " of " + name + "'s device " + std::to_string(signaled.from_device()), "signal", call,
      {{"from", name}, {"signal", what}, {"payloads", signaled.payloads_size()}});
  if (signaled.kind() == v1::NEW_OFFER) {
    signal(call, v1::NEW_ANSWER, {std::string(kAnswer)}, {UserId(signaled.from()), signaled.from_device()});
  }
}

// Tells nothing itself: what became of the call comes through the news, as everything else.
void CallDesk::resume() {
  if (book_.own() == nullptr) return;
  const KnownCall call = *book_.own();
  v1::ClientFrame frame;
  frame.mutable_resume_call()->set_id(call.id.str());
  set_chat(*frame.mutable_resume_call(), call.chat);
  session_.client().request(frame, [this, call](const v1::ServerFrame* reply, const Failure* failure) {
    if (reply != nullptr) return news_.add(*reply);
    if (failure->exit == ExitCode::connection) return;
    v1::ServerFrame over;
    if (call.chat.is_group()) {
      over.mutable_call_state()->set_id(call.id.str());
      over.mutable_call_state()->set_chat(call.chat.group.str());
      over.mutable_call_state()->set_phase(v1::ENDED);
    } else {
      over.mutable_call_changed()->set_id(call.id.str());
      over.mutable_call_changed()->set_phase(v1::ENDED);
      over.mutable_call_changed()->set_reason(v1::LOST);
    }
    news_.add(over);
  });
}

void CallDesk::show(const KnownCall& call) {
  const std::string name = name_of(call);
  switch (call.phase) {
    case v1::RINGING:
      return say("it rings at " + name + "'s", "ringing", call);
    case v1::ACTIVE:
      if (!call.outgoing) return say("you are in a call with " + name, "active", call);
      return say(name + " has answered, with device " + std::to_string(call.device), "active", call);
    case v1::ENDED:
      return show_end(call);
    default:
      return;
  }
}

void CallDesk::show_ring(const KnownCall& call) {
  say(name_of(call) + " calls" + kind_words(call) + ": " + hint_, "offered", call);
}

void CallDesk::show_end(const KnownCall& call) {
  const std::uint32_t seconds = call.seconds(Clock::now());
  std::string text =
      "the call with " + name_of(call) + " is over: " + std::string(call_end_text(call.reason));
  if (call.chat.is_group()) text = "you have left the call of " + name_of(call);
  if (call.active_since) text += ", after " + call_time(seconds);
  if (call.outgoing || call.active_since) {
    last_end_ = call.reason;
    ++ended_;
  }
  say(text, "ended", call, {{"reason", call_end_name(call.reason)}, {"seconds", seconds}});
}

std::string CallDesk::names_of(const std::vector<RosterChange::Seat>& seats) {
  std::string text;
  for (const auto& [user, device] : seats) {
    text += (text.empty() ? "" : ", ") + session_.name_of(user) + " (device " + std::to_string(device) + ")";
  }
  return text;
}

void CallDesk::show_roster(const KnownCall& call, const RosterChange& change) {
  const auto tell = [&](const std::vector<RosterChange::Seat>& seats, const char* event, const char* what) {
    if (seats.empty()) return;
    say(names_of(seats) + " " + what, event, call, {{"who", names_of(seats)}});
  };
  tell(change.came, "came", "has come into the call");
  tell(change.left, "left", "has left the call");
  tell(change.lost, "lost", "has lost the connection");
  tell(change.back, "back", "is back");
}

}  // namespace godwit::cli
