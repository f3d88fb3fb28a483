#include "tools/cli/message_view.h"

#include <map>
#include <set>

#include "base/random.h"
#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/format.h"
#include "tools/cli/group_text.h"
#include "tools/cli/sanitize.h"
#include "tools/cli/wire.h"

namespace godwit::cli {
namespace {

constexpr std::size_t kBatch = 256;

std::string_view gone_name(v1::Gone gone) {
  return gone == v1::EXPIRED ? "expired" : gone == v1::REMOVED ? "removed" : "";
}

void tell_event(CommandSession& session, const v1::Envelope& envelope, MessageView& view) {
  const v1::ChatEvent& event = envelope.event();
  const auto name_of = [&](UserId user) { return session.name_of(user); };
  const auto new_name = event.has_name() ? session.open_group_name(event.name()) : std::nullopt;
  view.event = event_text(event, UserId(envelope.from()), envelope.chat_seq(), name_of, new_name);
  view.event_json = nlohmann::ordered_json::parse(message_to_json(event), nullptr, false);
}

void decrypt(CommandSession& session, const v1::Envelope& envelope, MessageView& view) {
  if (envelope.id().size() != view.id.bytes.size()) {
    view.problem = "malformed message";
    return;
  }
  const ChatKey* key = session.key_of(view.chat);
  if (key == nullptr) {
    view.problem = "encrypted: no passphrase given";
    return;
  }
  const UserId from(envelope.from());
  if (view.relates_to) view.text = key->open_reply(envelope.payload(), from, view.id, *view.relates_to);
  view.on_status = view.text.has_value();
  if (!view.text) view.text = key->open(envelope.payload(), from, view.id);
  if (!view.text) view.problem = "cannot be decrypted: another passphrase, another client, or altered";
}

// By the server's clock. What has no id has no time either.
bool has_expired(const v1::Envelope& envelope, std::int64_t now_ms) {
  if (envelope.ttl_s() == 0 || envelope.id().size() != ChatId().bytes.size()) return false;
  const std::int64_t accepted_ms =
      MessageId(MessageId::from(envelope.id())).time_ms() + envelope.time_delta_ms();
  return now_ms >= accepted_ms + std::int64_t{envelope.ttl_s()} * 1000;
}

bool from_this_device(CommandSession& session, const v1::Envelope& envelope) {
  return UserId(envelope.from()) == session.self() &&
         DeviceId(envelope.from_device()) == session.profile().account->device;
}

}  // namespace

void add_chat(nlohmann::ordered_json& out, const ChatRef& chat) {
  if (chat.is_group()) {
    out["group"] = hex(chat.group.view());
  } else {
    out["chat_user_id"] = std::to_string(chat.peer.value);
  }
}

MessageView view_message(CommandSession& session, const v1::Envelope& envelope, const ChatRef& chat) {
  MessageView view;
  view.chat = chat;
  view.chat_name = session.chat_name(chat);
  view.from = UserId(envelope.from());
  view.outgoing = view.from == session.self();
  view.from_name = session.name_of(view.from);
  if (envelope.id().size() == view.id.bytes.size()) view.id = MessageId::from(envelope.id());
  view.time_ms = view.id.time_ms() + envelope.time_delta_ms();
  view.inbox_seq = envelope.seq();
  view.chat_seq = envelope.chat_seq();
  view.from_device = envelope.from_device();
  view.gone = gone_name(envelope.gone());
  if (envelope.relates_to().size() == view.id.bytes.size()) {
    view.relates_to = MessageId::from(envelope.relates_to());
  }
  if (envelope.has_event()) {
    tell_event(session, envelope, view);
  } else if (view.gone.empty()) {
    decrypt(session, envelope, view);
  }
  return view;
}

std::string shown_text(const MessageView& message) {
  if (!message.event.empty()) return message.event;
  if (!message.gone.empty()) return "(message " + message.gone + ")";
  return message.text ? sanitize(*message.text) : "[" + message.problem + "]";
}

std::string message_line(const MessageView& message) {
  const std::string time = format_time(message.time_ms, SystemClock().wall_ms()) + " ";
  // No message can look like an event: those have no colon behind the name.
  if (!message.event.empty()) return time + message.chat_name + " -- " + message.event;
  std::string who = message.outgoing ? "me -> " + message.chat_name : message.from_name;
  if (!message.outgoing && message.chat.is_group()) who += " in " + message.chat_name;
  if (message.on_status) who += " (on a status)";
  return time + who + ": " + shown_text(message);
}

nlohmann::ordered_json message_json(const MessageView& message) {
  nlohmann::ordered_json out = {{"type", message.event.empty() ? "message" : "event"},
                                {"chat", message.chat_name}};
  add_chat(out, message.chat);
  out["direction"] = message.outgoing ? "out" : "in";
  out["from"] = message.from_name;
  out["from_device"] = message.from_device;
  out["id"] = format_uuid(message.id);
  out["chat_seq"] = message.chat_seq;
  out["seq"] = message.inbox_seq;
  out["time_ms"] = message.time_ms;
  if (message.relates_to) out["relates_to"] = format_uuid(*message.relates_to);
  if (message.on_status) out["on_status"] = true;
  out["text"] = nullptr;
  if (!message.event.empty()) {
    out["text"] = message.event;
    out["event"] = message.event_json;
  } else if (message.text) {
    out["text"] = *message.text;
  } else if (!message.gone.empty()) {
    out["gone"] = message.gone;
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
        visit(view_message(session, envelope, chat_of(envelope, session.self())));
        ++shown;
      }
      profile.state.printed_offset = end;
    }
  }
  if (shown > 0) profile.save_state();
  return shown;
}

std::vector<MessageView> local_history(CommandSession& session, const ChatRef& chat,
                                       const LocalHistory& wanted) {
  std::map<std::uint64_t, v1::Envelope> last;
  std::set<std::uint64_t> removed;
  const std::uint64_t shown = session.profile().state.printed_offset;
  session.profile().store().scan(0, [&](const v1::Envelope& envelope, std::uint64_t end) {
    if (chat_of(envelope, session.self()) != chat) return true;
    if (envelope.event().removed_seq() != 0) removed.insert(envelope.event().removed_seq());
    const bool before = wanted.before == 0 || envelope.chat_seq() < wanted.before;
    const bool seen = !wanted.seen_only || end <= shown || from_this_device(session, envelope);
    if (before && seen) {
      last[envelope.chat_seq()] = envelope;
      if (last.size() > wanted.limit) last.erase(last.begin());
    }
    return true;
  });
  std::vector<MessageView> views;
  const std::int64_t now_ms = SystemClock().wall_ms() + session.profile().state.clock_skew_ms;
  for (auto& [chat_seq, envelope] : last) {
    if (removed.contains(chat_seq)) envelope.set_gone(v1::REMOVED);
    if (has_expired(envelope, now_ms)) envelope.set_gone(v1::EXPIRED);
    views.push_back(view_message(session, envelope, chat));
  }
  return views;
}

}  // namespace godwit::cli
