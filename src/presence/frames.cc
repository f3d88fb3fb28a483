#include "presence/frames.h"

#include "godwit.pb.h"

namespace godwit {

void fill_presences(std::span<const Presence> presences, v1::Presences& out) {
  for (const Presence& presence : presences) {
    auto& added = *out.add_presences();
    added.set_user_id(presence.user.value);
    added.set_state(static_cast<v1::PresenceState>(presence.state));
    added.set_last_seen_ms(presence.last_seen_ms);
  }
}

std::string encode_presences(std::span<const Presence> presences) {
  v1::ServerFrame frame;
  fill_presences(presences, *frame.mutable_presences());
  return frame.SerializeAsString();
}

std::string encode_typing_notice(UserId from, const std::optional<ChatId>& chat, int state, std::uint32_t expires_ms) {
  v1::ServerFrame frame;
  auto& notice = *frame.mutable_typing_notice();
  notice.set_from(from.value);
  if (chat) notice.set_chat(chat->str());
  notice.set_state(static_cast<v1::TypingState>(state));
  notice.set_expires_ms(expires_ms);
  return frame.SerializeAsString();
}

}  // namespace godwit
