// What the server pushes: envelopes, gaps, receipts. See client.h.
#include <algorithm>

#include "godwit.pb.h"
#include "tools/cli/client.h"

namespace godwit::cli {

void Client::on_push(const v1::ServerFrame& frame) {
  switch (frame.body_case()) {
    case v1::ServerFrame::kDeliver:
      return on_deliver(frame.deliver());
    case v1::ServerFrame::kCaughtUp:
      return on_caught_up(frame.caught_up());
    case v1::ServerFrame::kGap:
      return on_gap(frame.gap());
    case v1::ServerFrame::kWatermarks:
      return on_watermarks(frame.watermarks());
    case v1::ServerFrame::kReceiptCounts:
      if (events_.receipt_counts) events_.receipt_counts(frame.receipt_counts());
      return;
    case v1::ServerFrame::kReconnect:
      policy_.on_hint(frame.reconnect().after_ms());
      return notice("the server goes away; coming back");
    case v1::ServerFrame::kLinked:
      if (events_.linked) events_.linked(frame.linked());
      return;
    case v1::ServerFrame::kError:
      return notice("the server refused a notice: " + failure_of(frame.error()).name);
    case v1::ServerFrame::kPresences:
    case v1::ServerFrame::kTypingNotice:
    case v1::ServerFrame::kStatusNews:
    case v1::ServerFrame::kStatusViewCount:
    case v1::ServerFrame::kCallOffered:
    case v1::ServerFrame::kCallChanged:
    case v1::ServerFrame::kCallSignaled:
    case v1::ServerFrame::kCallState:
      if (events_.live) events_.live(frame);
      return;
    default:
      return;  // a newer server
  }
}

void Client::on_deliver(const v1::Deliver& deliver) {
  if (!ready() || !options_.authenticate) return;
  for (const v1::Envelope& envelope : deliver.envelopes()) {
    // At or below the cursor: a repetition.
    if (envelope.seq() <= profile_.state.cursor.value_or(0)) continue;
    profile_.record(envelope);
  }
  acknowledge();
}

void Client::on_caught_up(const v1::CaughtUp& caught_up) {
  if (!ready() || !options_.authenticate) return;
  caught_up_ = true;
  if (caught_up.seq() > profile_.state.cursor.value_or(0)) {
    profile_.state.cursor = caught_up.seq();
    profile_.save_state();
  }
  acknowledge();
  save_soon();
}

// Stored first, then told: what a crash takes from us must still be on the server.
void Client::acknowledge() {
  const std::uint64_t cursor = profile_.state.cursor.value_or(0);
  if (cursor <= acknowledged_) return;
  profile_.store().sync();
  save_soon();
  acknowledged_ = cursor;
  v1::ClientFrame frame;
  frame.mutable_ack()->set_cursor(cursor);
  transmit(frame);
}

void Client::on_gap(const v1::Gap& gap) {
  if (!ready() || !options_.authenticate) return;
  profile_.state.cursor = std::max(profile_.state.cursor.value_or(0), gap.to());
  profile_.save_state();
  acknowledged_ = std::max(acknowledged_, gap.to());
  if (events_.gap) events_.gap(gap.from(), gap.to());
  v1::ClientFrame frame;
  frame.mutable_ack_gap()->set_to(gap.to());
  transmit_request(std::move(frame), [this](const v1::ServerFrame*, const Failure* failure) {
    if (failure != nullptr && failure->exit == ExitCode::server) {
      notice("the server did not take the acknowledgement of the gap: " + failure->name);
    }
  });
}

void Client::on_watermarks(const v1::Watermarks& watermarks) {
  if (!options_.authenticate) return;
  std::set<ChatRef> moved;
  for (const v1::Watermark& mark : watermarks.watermarks()) {
    const bool group = mark.chat().size() == ChatId().bytes.size();
    const ChatRef ref = group ? ChatRef(ChatId::from(mark.chat())) : ChatRef(UserId(mark.peer()));
    ChatState& chat = profile_.state.chats[ref];
    const bool own = UserId(mark.member()) == profile_.account->user;
    std::uint64_t& delivered = own ? chat.own_delivered : chat.peer_delivered;
    std::uint64_t& read = own ? chat.own_read : chat.peer_read;
    if (mark.delivered() <= delivered && mark.read() <= read) continue;
    delivered = std::max(delivered, mark.delivered());
    read = std::max(read, mark.read());
    moved.insert(ref);
  }
  if (!moved.empty()) save_soon();
  if (!events_.receipts_moved) return;
  for (const ChatRef& chat : moved) events_.receipts_moved(chat);
}

}  // namespace godwit::cli
