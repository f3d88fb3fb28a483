#include "tools/cli/message_view.h"

#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/format.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::size_t kBatch = 256;

void decrypt(CommandSession& session, const v1::Envelope& envelope, MessageView& view) {
  if (envelope.id().size() != view.id.bytes.size()) {
    view.problem = "malformed message";
    return;
  }
  const PairKey* key = session.key_with(view.peer);
  if (key == nullptr) {
    view.problem = "encrypted: no passphrase given";
    return;
  }
  view.text = key->open(envelope.payload(), UserId(envelope.from()), view.id);
  if (!view.text) view.problem = "cannot be decrypted: another passphrase, another client, or altered";
}

bool from_this_device(CommandSession& session, const v1::Envelope& envelope) {
  return UserId(envelope.from()) == session.self() &&
         DeviceId(envelope.from_device()) == session.profile().account->device;
}

}  // namespace

MessageView view_message(CommandSession& session, const v1::Envelope& envelope, UserId peer) {
  MessageView view;
  view.peer = peer;
  view.peer_name = session.name_of(peer);
  view.outgoing = UserId(envelope.from()) == session.self();
  view.from_name = session.name_of(UserId(envelope.from()));
  if (envelope.id().size() == view.id.bytes.size()) view.id = MessageId::from(envelope.id());
  view.time_ms = view.id.time_ms() + envelope.time_delta_ms();
  view.inbox_seq = envelope.seq();
  view.chat_seq = envelope.chat_seq();
  view.from_device = envelope.from_device();
  decrypt(session, envelope, view);
  return view;
}

std::string shown_text(const MessageView& message) {
  return message.text ? sanitize(*message.text) : "[" + message.problem + "]";
}

std::string message_line(const MessageView& message) {
  const std::string who = message.outgoing ? "me -> " + message.peer_name : message.from_name;
  return format_time(message.time_ms, SystemClock().wall_ms()) + " " + who + ": " + shown_text(message);
}

nlohmann::ordered_json message_json(const MessageView& message) {
  nlohmann::ordered_json out = {{"type", "message"},
                                {"chat", message.peer_name},
                                {"chat_user_id", std::to_string(message.peer.value)},
                                {"direction", message.outgoing ? "out" : "in"},
                                {"from", message.from_name},
                                {"from_device", message.from_device},
                                {"id", format_uuid(message.id)},
                                {"chat_seq", message.chat_seq},
                                {"seq", message.inbox_seq},
                                {"time_ms", message.time_ms},
                                {"text", nullptr}};
  if (message.text) {
    out["text"] = *message.text;
  } else {
    out["problem"] = message.problem;
  }
  return out;
}

std::size_t show_new(CommandSession& session, std::size_t limit,
                     const std::function<void(const MessageView&)>& visit) {
  Profile& profile = session.profile();
  std::size_t shown = 0;
  for (;;) {
    // Collected before they are shown: showing may run the loop, which may append.
    std::vector<std::pair<v1::Envelope, std::uint64_t>> batch;
    profile.store().scan(profile.state.printed_offset, [&](const v1::Envelope& envelope, std::uint64_t end) {
      batch.emplace_back(envelope, end);
      return batch.size() < kBatch;
    });
    if (batch.empty() || shown == limit) break;
    for (const auto& [envelope, end] : batch) {
      if (shown == limit) break;
      if (!from_this_device(session, envelope)) {
        visit(view_message(session, envelope, chat_peer(envelope, session.self())));
        ++shown;
      }
      profile.state.printed_offset = end;
    }
  }
  if (shown > 0) profile.save_state();
  return shown;
}

std::vector<MessageView> local_history(CommandSession& session, UserId peer, const LocalHistory& wanted) {
  std::map<std::uint64_t, v1::Envelope> last;
  const std::uint64_t shown = session.profile().state.printed_offset;
  session.profile().store().scan(0, [&](const v1::Envelope& envelope, std::uint64_t end) {
    const bool before = wanted.before == 0 || envelope.chat_seq() < wanted.before;
    const bool seen = !wanted.seen_only || end <= shown || from_this_device(session, envelope);
    if (before && seen && chat_peer(envelope, session.self()) == peer) {
      last[envelope.chat_seq()] = envelope;
      if (last.size() > wanted.limit) last.erase(last.begin());
    }
    return true;
  });
  std::vector<MessageView> views;
  for (const auto& [chat_seq, envelope] : last) views.push_back(view_message(session, envelope, peer));
  return views;
}

}  // namespace godwit::cli
