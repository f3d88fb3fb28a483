#include "tools/cli/call_book.h"

#include <algorithm>

namespace godwit::cli {
namespace {

// The server says when a call no longer rings; this only clears what was missed while there was no
// connection.
constexpr std::chrono::seconds kRingGrace{10};

std::optional<MessageId> id_of(const std::string& bytes) {
  if (bytes.size() != MessageId().bytes.size()) return std::nullopt;
  return MessageId(MessageId::from(bytes));
}

std::map<RosterChange::Seat, bool> seats_of(const v1::CallState& state) {
  std::map<RosterChange::Seat, bool> seats;
  for (const v1::CallParticipant& p : state.participants()) {
    seats[{UserId(p.user_id()), p.device_id()}] = p.connected();
  }
  return seats;
}

}  // namespace

std::uint32_t KnownCall::seconds(Time now) const {
  if (!active_since) return 0;
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now - *active_since).count());
}

std::vector<KnownCall>::iterator CallBook::find_ringing(const MessageId& id) {
  return std::find_if(ringing_.begin(), ringing_.end(), [&](const KnownCall& c) { return c.id == id; });
}

void CallBook::placed(KnownCall call, Time now) {
  forget(call.id);
  if (call.phase == v1::ACTIVE) call.active_since = now;
  own_ = std::move(call);
}

bool CallBook::answered(const MessageId& id, Time now) {
  const auto found = find_ringing(id);
  if (found == ringing_.end()) return false;
  own_ = std::move(*found);
  ringing_.erase(found);
  own_->phase = v1::ACTIVE;
  own_->active_since = now;
  return true;
}

void CallBook::joined(const v1::CallState& state, Time now) {
  const auto id = id_of(state.id());
  if (!id || state.chat().size() != ChatId().bytes.size()) return;
  KnownCall call;
  call.id = *id;
  call.chat = ChatRef(ChatId::from(state.chat()));
  call.outgoing = UserId(state.caller()) == self_;
  call.kind = state.kind();
  call.phase = v1::ACTIVE;
  placed(std::move(call), now);
  seats_ = seats_of(state);
}

void CallBook::forget(const MessageId& id) {
  if (own_ && own_->id == id) {
    own_.reset();
    seats_.clear();
  }
  const auto found = find_ringing(id);
  if (found != ringing_.end()) ringing_.erase(found);
}

std::optional<KnownCall> CallBook::offered(const v1::CallOffered& offer, Time now) {
  const auto id = id_of(offer.id());
  if (!id || (own_ && own_->id == *id) || find_ringing(*id) != ringing_.end()) return std::nullopt;
  if (ringing_.size() >= kMaxRinging) return std::nullopt;
  KnownCall call;
  call.id = *id;
  call.chat = ChatRef(UserId(offer.from()));
  call.kind = offer.kind();
  call.phase = v1::RINGING;
  call.device = offer.from_device();
  call.rings_until = now + std::chrono::milliseconds(offer.ring_ms()) + kRingGrace;
  ringing_.push_back(call);
  return call;
}

std::optional<KnownCall> CallBook::own_changed(const v1::CallChanged& change, Time now) {
  if (change.phase() == v1::ENDED) {
    KnownCall call = *own_;
    call.phase = v1::ENDED;
    call.reason = change.reason();
    forget(call.id);
    return call;
  }
  if (change.phase() <= own_->phase) return std::nullopt;
  own_->phase = change.phase();
  if (change.phase() == v1::ACTIVE) {
    own_->active_since = now;
    if (own_->outgoing) own_->device = change.device();
  }
  return *own_;
}

std::optional<KnownCall> CallBook::changed(const v1::CallChanged& change, Time now) {
  const auto id = id_of(change.id());
  if (!id) return std::nullopt;
  if (own_ && own_->id == *id) return own_changed(change, now);
  const auto found = find_ringing(*id);
  if (found == ringing_.end()) return std::nullopt;
  if (change.phase() == v1::ACTIVE && change.device() == device_ && !own_) {
    answered(*id, now);
    return *own_;
  }
  if (change.phase() != v1::ACTIVE && change.phase() != v1::ENDED) return std::nullopt;
  KnownCall call = std::move(*found);
  ringing_.erase(found);
  call.reason = change.phase() == v1::ACTIVE ? v1::ELSEWHERE : change.reason();
  call.phase = v1::ENDED;
  return call;
}

std::optional<RosterChange> CallBook::roster(const v1::CallState& state) {
  const auto id = id_of(state.id());
  if (!id || !own_ || own_->id != *id || !own_->chat.is_group()) return std::nullopt;
  RosterChange change;
  const auto now = seats_of(state);
  for (const auto& [seat, connected] : now) {
    const auto before = seats_.find(seat);
    if (before == seats_.end()) {
      change.came.push_back(seat);
    } else if (before->second != connected) {
      (connected ? change.back : change.lost).push_back(seat);
    }
  }
  for (const auto& [seat, connected] : seats_) {
    if (!now.contains(seat)) change.left.push_back(seat);
  }
  seats_ = now;
  change.ended = state.phase() == v1::ENDED || !now.contains({self_, device_});
  if (change.ended) forget(*id);
  return change;
}

v1::CallChanged CallBook::as_change(const v1::CallState& state, UserId self) {
  v1::CallChanged change;
  change.set_id(state.id());
  change.set_peer(state.peer());
  change.set_phase(state.phase());
  for (const v1::CallParticipant& p : state.participants()) {
    if (UserId(p.user_id()) != self) change.set_device(p.device_id());
  }
  return change;
}

const KnownCall* CallBook::ringing(Time now) {
  std::erase_if(ringing_, [&](const KnownCall& call) { return call.rings_until <= now; });
  return ringing_.empty() ? nullptr : &ringing_.front();
}

}  // namespace godwit::cli
